/* The library's own header, which declares nothing that a sketch calls. */
