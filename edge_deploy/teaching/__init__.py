"""What serves a class: many networks of one lab compared (`explore`)."""
