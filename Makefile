# `make demo` and `make test` need Python 3.10 or newer, a C compiler and Python's headers; the build says which
# package brings what is missing. KALSHI_BOOK_BUILD=pure does without the last two.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# The stamps: a change of one of these files builds and installs again.
BUILD_FILES := pyproject.toml setup.py $(wildcard src_ext/*)
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
INSTALLED_BENCH := $(VENV)/.installed-bench
INSTALLED_DOCS := $(VENV)/.installed-docs

# The suite runs on all cores.
SPREAD := -n auto --dist worksteal
# The harness of the benchmarks runs processes of its own and has no line of the package: nothing to cover or to sanitise.
PACKAGE_ONLY := --ignore=tests/bench
# The simulated exchange uses nothing of the core, and the client nothing that the feed does not.
CORE_ONLY := $(PACKAGE_ONLY) --ignore=tests/sim --ignore=tests/live --ignore=tests/sync

# For runs that are not there to find what faults do.
FEW_SEEDS := KALSHI_BOOK_FAULT_SEEDS=2 KALSHI_BOOK_LIVE_SEEDS=2

# What a scratch build needs of the tree.
TREE := $(wildcard kalshi_book src_ext tests benchmarks docs examples .ci *.md LICENSE MANIFEST.in Makefile pyproject.toml setup.py)

.DEFAULT_GOAL := help
.PHONY: help demo test faults soak peers docs bench bench-peers bench-docs lint coverage coverage-ext sanitize picture sample clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

demo: $(INSTALLED)  ## live books of a simulated exchange: no key, no network
	@$(BIN)/kalshi-book demo

test: $(INSTALLED_DEV)  ## run the whole test suite
	$(BIN)/python -m pytest $(SPREAD)

# Each kind of fault with so many seeds; CI takes 200, the suite by itself 100 for the feed and 20 for the client.
SEEDS ?= 2000

faults: $(INSTALLED_DEV)  ## the feed and the live client through every kind of fault, SEEDS=2000 times each, in virtual time
	KALSHI_BOOK_FAULT_SEEDS=$(SEEDS) KALSHI_BOOK_LIVE_SEEDS=$(SEEDS) $(BIN)/python -m pytest -q $(SPREAD) \
	    tests/sim/test_against_feed.py tests/live/test_live_faults.py

soak: $(INSTALLED_DEV)  ## a week of 50,000 new markets a day, and ten million frames: what the client holds of them afterwards
	KALSHI_BOOK_SOAK=1 $(BIN)/python -m pytest -q -m long tests/live/test_live_soak.py

peers: $(INSTALLED_DEV)  ## let clients of others follow the simulated exchange, and Autobahn test the client's connection (from the package index)
	$(BIN)/python -m pytest -q -m peers -rs tests/peers

docs: $(INSTALLED_DOCS)  ## build the pages as a site: build/site/index.html
	$(BIN)/zensical build --clean --strict

bench: $(INSTALLED_BENCH)  ## measure it beside other ways to keep the same book, a few minutes
	$(BIN)/python -m benchmarks

bench-peers: $(INSTALLED_BENCH)  ## install the other packages for `make bench`, each in an environment of its own
	$(BIN)/python -m benchmarks.peers

bench-docs: $(INSTALLED_BENCH) bench-peers  ## the same, written to docs/benchmarks.md with its figures and its picture
	$(BIN)/python -m benchmarks --docs docs

lint: $(INSTALLED_DEV)  ## style, format, types, stubs, import contracts, warnings of our C
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest --mypy-config-file pyproject.toml --allowlist .ci/stubtest-allowlist.txt kalshi_book._core
	$(BIN)/lint-imports
	@for header in src_ext/*.h; do \
	    echo "$(CC) -Wall -Wextra -Werror $$header"; \
	    echo "#include \"$${header##*/}\"" | $(CC) -std=c11 -Wall -Wextra -Werror -O2 -Isrc_ext -x c -c - -o /dev/null || exit 1; \
	done

coverage: $(INSTALLED_DEV)  ## branch coverage of the Python files, 100 % or fail
	$(BIN)/coverage erase
	$(FEW_SEEDS) $(BIN)/coverage run -m pytest -q $(SPREAD) $(PACKAGE_ONLY) --ignore=examples -m "not long and not peers"
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

# Both of the next build in place in a copy, so that the extension people use is never one of these slow ones.
SCRATCH = rm -rf $(1) && mkdir -p $(1) && cp -r $(TREE) $(1) && find $(1) -name '*.so' -delete && cd $(1)
HERE := $(CURDIR)/$(BIN)

coverage-ext: $(INSTALLED_DEV)  ## lines of src_ext that the tests execute
	$(call SCRATCH,build/coverage-ext) && export PYTHONPATH="$$PWD" && \
	KALSHI_BOOK_COVERAGE=1 $(HERE)/python setup.py -q build_ext --inplace && \
	$(FEW_SEEDS) $(HERE)/python -m pytest -q $(SPREAD) $(CORE_ONLY) && \
	$(HERE)/python .ci/ext_lines.py build

# PYTHONMALLOC: Python's own allocator hides overflows. --capture=sys: what a dying process says is not lost with it.
sanitize: $(INSTALLED_DEV)  ## the tests under AddressSanitizer, UndefinedBehaviorSanitizer and LeakSanitizer (gcc)
	$(call SCRATCH,build/sanitize) && export PYTHONPATH="$$PWD" && \
	KALSHI_BOOK_SANITIZE=address,undefined $(HERE)/python setup.py -q build_ext --inplace && \
	LD_PRELOAD="$$(gcc -print-file-name=libasan.so)" PYTHONMALLOC=malloc \
	ASAN_OPTIONS=detect_leaks=1:exitcode=99:allocator_may_return_null=1 \
	LSAN_OPTIONS=suppressions="$$PWD/.ci/lsan-suppressions.txt":print_suppressions=0 \
	UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	$(HERE)/python -m pytest -q --capture=sys $(PACKAGE_ONLY)

picture: $(INSTALLED_DEV)  ## draw the pictures of docs/data.md and docs/watch.md again
	$(BIN)/kalshi-book plot --force --out docs/data.png kalshi_book/data/sample.ndjson.gz
	PYTHONPATH=tests $(BIN)/python tests/watch_pictures.py

sample: $(INSTALLED)  ## write the packaged sample tape again
	$(BIN)/kalshi-book flow kalshi_book/data/sample.ndjson.gz

clean:  ## remove everything that was built, with the environment
	rm -rf $(VENV) build dist *.egg-info .cache .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find kalshi_book src_ext tests benchmarks \( -name '*.so' -o -name __pycache__ \) -prune -exec rm -rf {} +

# A Python without ensurepip cannot put pip into the environment, but its own pip can install there from outside.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "kalshi_book needs Python 3.10 or newer; set PYTHON=")'
	@$(PYTHON) -m venv $(VENV) || $(PYTHON) -m venv --clear --without-pip $(VENV)

PIP = $$($(BIN)/python -c 'import pip' 2>/dev/null && echo $(BIN)/python -m pip || echo $(PYTHON) -m pip --python $(BIN)/python)

$(INSTALLED): $(BUILD_FILES) | $(BIN)/python
	@echo "installing kalshi_book into $(VENV)"
	@$(PIP) install -q -e .
	@touch $@

$(INSTALLED_DEV): $(BUILD_FILES) | $(BIN)/python
	@echo "installing kalshi_book with its tools into $(VENV)"
	@$(PIP) install -q -e '.[all,dev]'
	@touch $(INSTALLED) $@

$(INSTALLED_BENCH): $(BUILD_FILES) | $(BIN)/python
	@echo "installing kalshi_book with its tools, and what the benchmarks compare it with, into $(VENV)"
	@$(PIP) install -q -e '.[all,dev,bench]'
	@touch $(INSTALLED) $(INSTALLED_DEV) $@

$(INSTALLED_DOCS): $(BUILD_FILES) | $(BIN)/python
	@echo "installing kalshi_book with what builds its pages into $(VENV)"
	@$(PIP) install -q -e '.[docs]'
	@touch $(INSTALLED) $@
