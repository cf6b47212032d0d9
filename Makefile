# Everything runs from a clean checkout with Python 3.11 or newer; cargo is optional. `make help` lists it.
# The Windows twin of every target is make.ps1.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check build notice gen gen-check fmt lint lint-rust test-rust test-rust-engine \
	test-python-engine exhaustive parity smoke bench instructions soak docs loom dist dev new-feature clean

ifndef PYTHON
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$p && break; done)
endif
ifeq ($(PYTHON),)
$(error Python 3.11 or newer is needed: install it, or name it with `make PYTHON=/path/to/python3 ...`)
endif

# "yes", or why the Rust engine cannot be built here.
RUST := $(shell $(PYTHON) build_backend/qt_build.py)

VENV := .venv
BIN := $(VENV)/bin
DEPS := $(VENV)/.installed
CORE := python/quantumtrader/_core.abi3.so
RUST_SOURCES := Cargo.toml Cargo.lock $(shell find crates -name '*.rs' -o -name Cargo.toml)
# Stands for both flavours of the simulated ProfitDLL, which are built together.
SIMULATOR := target/.simulator
ENGINE := $(if $(filter yes,$(RUST)),$(CORE) $(SIMULATOR),notice)
PYTEST := $(BIN)/python -m pytest
JOBS ?= 2
# The binding crate is a Python extension: maturin links it, cargo alone cannot.
CRATES := --workspace --exclude qt-python
ARGS ?=

export CARGO_BUILD_JOBS ?= $(JOBS)

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-20s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## Trade a synthetic WDO session end to end and write the report (ARGS="--seed 7")
	$(BIN)/quantumtrader demo $(ARGS)

# The last step is pytest, so that its closing line and exit status are those of the whole run.
ifeq ($(RUST),yes)
test: build lint lint-rust test-rust gen-check test-rust-engine test-python-engine smoke ## Lint and test everything, both engines
else
test: build lint test-python-engine smoke
endif

check: test docs instructions ## What CI runs: every test, the documentation, the instruction counts

build: $(DEPS) $(ENGINE) ## Set up .venv and build the Rust engine (release) when cargo is present

$(DEPS): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'Installing what is needed into $(VENV): a minute or two, the first time only.'
	QUANTUMTRADER_NATIVE=0 $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,dev]'
	@touch $@

# A build that fails must not leave an engine of older sources behind.
$(CORE): $(RUST_SOURCES) | $(DEPS)
	@rm -f $@
	@echo 'Building the Rust engine: a few minutes the first time, seconds after that.'
	@if $(BIN)/maturin develop --release --skip-install; then touch $@; \
	elif [ "$(QUANTUMTRADER_NATIVE)" = 1 ]; then exit 1; \
	else reason='the Rust build failed, see above'; $(NOTICE); fi

$(SIMULATOR): $(RUST_SOURCES)
	@rm -f $@
	@echo 'Building the simulated ProfitDLL, in both widths of its text.'
	@if $(PYTHON) build_backend/qt_build.py simulator; then touch $@; \
	elif [ "$(QUANTUMTRADER_NATIVE)" = 1 ]; then exit 1; \
	else echo 'NOTICE: the simulated ProfitDLL is not built, see above; what needs it is skipped.'; fi

notice:
	@reason='$(RUST)'; $(NOTICE)

define NOTICE
echo '----------------------------------------------------------------------------------------------'; \
echo "NOTICE: the Rust engine is not built: $$reason."; \
echo '        quantumtrader runs on the Python engine: the same numbers, much slower.'; \
echo '        The simulated ProfitDLL is Rust too: what needs it is skipped.'; \
! test -e $(CORE) || echo '        $(CORE) of an earlier build is in place and in use; delete it to drop it.'; \
echo '----------------------------------------------------------------------------------------------'
endef

gen: ## Write the generated files (schema, instruments, catalogue, reference pages) from the Rust sources
	cargo run --quiet -p qt-features --bin qt-gen
	cargo run --quiet -p qt-profitdll --bin qt-gen-abi

gen-check:
	cargo run --quiet -p qt-features --bin qt-gen -- --check
	cargo run --quiet -p qt-profitdll --bin qt-gen-abi -- --check

fmt: $(DEPS) ## Format all code
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .
	cargo fmt --all

lint: $(DEPS) ## ruff, mypy and the layer contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

lint-rust: $(DEPS)
	cargo fmt --all --check
	PYO3_PYTHON=$(abspath $(BIN)/python) cargo clippy --quiet --workspace --all-targets -- -D warnings

test-rust: ## cargo test: unit, property, doc and benchmark smoke tests
	cargo test --quiet $(CRATES)
	cargo test --quiet $(CRATES) --benches

test-rust-engine: build ## pytest on the Rust engine
	QUANTUMTRADER_ENGINE=rust $(PYTEST) -n $(JOBS) tests $(ARGS)

# What compares both engines itself, runs on none, or measures what equal numbers decide has run once already: with the
# Rust engine.
ONCE := $(addprefix --ignore=tests/,parity contract checks golden unit/training unit/models unit/registry \
	unit/execution/test_crash.py e2e/test_trading_day.py integration/test_detector_quality.py \
	$(addprefix unit/evaluation/test_,book_states.py evaluate_forms.py evaluate_detectors.py) \
	$(addprefix unit/features/test_fit_,pin.py vpin.py microprice.py) \
	$(addprefix unit/test_,cli_train.py detector_settings.py bar_recursions.py books.py estimators.py footprints.py recovery.py talib.py talib_volume.py venue.py))
test-python-engine: build ## pytest on the Python engine
	QUANTUMTRADER_ENGINE=python $(PYTEST) -n $(JOBS) tests $(if $(filter yes,$(RUST)),$(ONCE)) $(ARGS)

exhaustive: build ## Every test on every recording and engine, every point of death: hours (ARGS=tests/parity)
	QT_EXHAUSTIVE=1 $(PYTEST) -n $(JOBS) --timeout=7200 $(if $(ARGS),,tests) $(ARGS)

parity: build ## Rust engine = Python engine, number by number
	$(PYTEST) tests/parity $(ARGS)

smoke: build ## Examples, and every benchmark once, untimed
	$(PYTEST) benches examples --benchmark-disable

bench: build ## Benchmarks: the boundary, both engines, and beside C floor kernels
	$(PYTEST) benches --benchmark-only $(ARGS)
	$(BIN)/python benches/beside_peers.py

instructions: build ## Instructions per event against the committed ones, under valgrind (ARGS=--update-instructions)
	$(PYTEST) benches/test_instructions.py --instructions $(ARGS)

soak: build ## Ten million events through every feature: memory flat, no drift (QT_SOAK_EVENTS=N)
	QT_SOAK_EVENTS=$${QT_SOAK_EVENTS:-10000000} $(PYTEST) tests/e2e/test_soak.py -s $(ARGS)

docs: $(DEPS) ## Build the Rust reference with warnings as errors
ifeq ($(RUST),yes)
	PYO3_PYTHON=$(abspath $(BIN)/python) RUSTDOCFLAGS='-D warnings' cargo doc --quiet --no-deps --workspace
else
	@reason='$(RUST)'; $(NOTICE)
endif

loom: ## Check the ring's memory ordering under loom
	RUSTFLAGS='--cfg loom' CARGO_TARGET_DIR=target/loom cargo test --release -p qt-core --test loom_ring

dist: $(DEPS) ## Build the wheel and the source archive into dist/
	$(BIN)/maturin build --release --sdist --out dist

dev: build ## Install the git hooks
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pre-commit
	$(BIN)/pre-commit install

new-feature: $(DEPS) ## Write the skeleton of a feature: FAMILY=flow NAME=trade_imbalance
	$(BIN)/python scripts/new_feature.py $(FAMILY) $(NAME) $(NUMBER)

clean: ## Remove what was built; .venv and data stay
	rm -rf target dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks .import_linter_cache
	rm -f python/quantumtrader/_core*.so python/quantumtrader/profitdll/simulator/*profitdll_sim* $(DEPS)
	find python tests benches examples scripts build_backend -name __pycache__ -prune -exec rm -rf {} +
