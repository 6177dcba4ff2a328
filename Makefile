# Needs Python 3.10 to 3.13, git and make; no C compiler: the ziglang wheel is one.
#
#   make demo       flash a keyword spotter to a virtual Nano 33 BLE, speak to it, see what it hears
#   make demo-hello the first lab: a virtual board draws a sine
#   make test       lint, types, layering and the tests
#   make test-all   the slow tests and the sweeps too: an hour or more
#   make sweep      2,400 models of every operator against the reference; a million damaged files
#   make lint       lint, types and layering alone
#   make clean      forget the environment and everything built

# The reference runtime (tflite-runtime) has wheels up to CPython 3.11: with a newer Python the
# exactness tests are skipped, or compare with the newer runtime and say so.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.10 python3.12 python3.13 python3,\
	$(if $(shell $(name) -c "import venv, ensurepip" 2>/dev/null && echo yes),$(name))))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Two workers: compilers and emulated boards keep both cores of a small machine busy. A file's
# tests stay together, because they share what they have built.
# A worker that crashes ends the run: with a new one in its place xdist was seen to wait for ever.
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --max-worker-restart 0

# What the tests like to have beside the wheels: the compiler of the published figures, a second
# emulator that faults where silicon does, and both for a Xtensa core.
DEBIAN_PACKAGES := gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm \
	gcc-xtensa-lx106 qemu-system-misc

.DEFAULT_GOAL := help
.PHONY: help demo demo-hello test test-all sweep lint format clean setup-demo setup-test setup-debian

help:
	@sed -n 's/^#   //p' Makefile

demo: setup-demo
	@$(BIN)/edge-deploy flash --board nano33 --on virtual kws --mic labs/kws/demo.wav --plain

demo-hello: setup-demo
	@$(BIN)/edge-deploy flash --board nano33 --on virtual hello --count 50 --plain

test: setup-test lint
	@$(PYTEST) -m "not slow"

test-all: setup-test lint
	@$(PYTEST)
	@$(MAKE) --no-print-directory sweep

sweep: setup-test
	@$(BIN)/python -m tests.sweep --models 2400
	@$(BIN)/python -m tests.fuzz.sweep read --mutants 1000000
	@$(BIN)/python -m tests.fuzz.sweep compare --accepted 2000 --weights 500

lint: setup-test
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo
	@git ls-files -z -- '*.c' '*.h' '*.cpp' | xargs -0 -r $(BIN)/clang-format --dry-run --Werror

format: setup-test
	@$(BIN)/ruff format --quiet
	@$(BIN)/ruff check --fix --quiet
	@git ls-files -z -- '*.c' '*.h' '*.cpp' | xargs -0 -r $(BIN)/clang-format -i

setup-demo: $(VENV)/.installed-demo
setup-test: $(VENV)/.installed-test setup-debian

# Looked at on every run, because it is quick, and because packages come and go. Without root or
# apt-get the tests that need them are skipped, each with its reason.
setup-debian:
	@if command -v arm-none-eabi-gcc && command -v qemu-system-arm \
		&& command -v xtensa-lx106-elf-gcc && command -v qemu-system-xtensa \
		&& [ -n "$$(arm-none-eabi-gcc --print-file-name=nano.specs | grep /)" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get; then \
		echo "Installing $(DEBIAN_PACKAGES) ..." >&2; \
		export DEBIAN_FRONTEND=noninteractive; \
		log="$(VENV)/debian.log"; \
		{ apt-get update && apt-get install --yes --no-install-recommends $(DEBIAN_PACKAGES); } \
			>"$$log" 2>&1 \
			|| echo "They could not be installed ($$log); tests that need them are skipped." >&2; \
	else \
		echo "Without $(DEBIAN_PACKAGES) some tests are skipped." >&2; \
	fi >/dev/null

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "No Python with venv and pip found. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-demo: pyproject.toml hatch_build.py | $(BIN)/python
	@echo "Installing edge-deploy ..."
	@$(PIP) --editable '.[virtual]'
	@touch $@

$(VENV)/.installed-test: pyproject.toml hatch_build.py | $(BIN)/python
	@echo "Installing edge-deploy and what its tests need (TensorFlow among it: some minutes) ..."
	@$(PIP) --editable '.[dev,virtual,reference,train,boards]'
	@touch $@ $(VENV)/.installed-demo

clean:
	rm -rf $(VENV) dist build-out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
