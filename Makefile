# The commands that a person types. Everything else is `cargo xtask`.

.PHONY: demo test explore fuzz lint check deny doc spelling bench codegen

# A city on this machine, live.
demo:
	cargo run --release -p kerb-simulator --bin simulator -- demo

# Doc tests first, so that the last lines are the summary of all others. The exploration of the index replaces its
# atomics, so it is a build of its own with the feature `explore`; it is bounded to a few hundred executions here.
test:
	@cargo nextest --version >/dev/null 2>&1 || cargo install cargo-nextest --locked
	cargo test --quiet --doc --workspace
	KERB_EXPLORE_ITERATIONS=100 cargo nextest run --workspace --features kerb-index-server/explore --test explore
	cargo nextest run --workspace

# The same explorations for a night.
explore:
	cargo xtask explore

# The corpus of each fuzz target, and 100,000 mutated inputs each: a minute. It prints its seed.
fuzz:
	cargo xtask fuzz

lint:
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --locked --workspace --all-targets -- -D warnings

# The rules that no compiler knows.
check:
	cargo xtask codegen --check
	cargo xtask check

# Licenses, sources and banned crates of all dependencies.
deny:
	@cargo deny --version >/dev/null 2>&1 || cargo install cargo-deny --locked
	cargo deny --locked check bans licenses sources

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --workspace

spelling:
	@typos --version >/dev/null 2>&1 || cargo install typos-cli --locked
	typos

bench:
	cargo bench --workspace --benches

codegen:
	cargo xtask codegen
