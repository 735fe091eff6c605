# Shortcuts. CONTRIBUTING.md has each of them as a plain command; nothing else depends on `just`.

# Lists the recipes.
default:
    @just --list

# Runs the product on this machine.
run *options:
    cargo run -p local -- {{options}}

# Runs every Rust test, or those whose names hold `names`.
test *names:
    cargo test -- {{names}}

# Runs the scenarios whose names hold `names`.
scenario *names:
    cargo test --test scenarios -- {{names}}

# Formats the code and checks what CI checks of it first.
lint:
    cargo fmt --all
    cargo clippy --workspace --all-targets --locked -- -D warnings
    python3 tests/links.py

# Counts the instructions of a cold start, as CI does.
bench:
    cargo run -p bench -- --budget

# Runs what CI runs.
ci:
    .ci/run
