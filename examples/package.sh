#!/usr/bin/env bash
# Packages the three crates that an adapter is written against, as they would be published, and unpacks them.
# Writes packaged/config.toml, with which cargo takes these instead of published ones:
#   cargo test --config <target>/packaged/config.toml
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

crates=(tubeatlas-domain tubeatlas-ports tubeatlas-contract)
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
packaged=$target/packaged

cargo package --no-verify --allow-dirty "${crates[@]/#/--package=}"

rm -rf "$packaged"
mkdir -p "$packaged"
id=$(cargo pkgid --package tubeatlas-contract)
version=${id##*[@#]}
echo '[patch.crates-io]' > "$packaged/config.toml"
for crate in "${crates[@]}"; do
    mkdir "$packaged/$crate"
    # --touch: all files of a package have one date, by which cargo would not see that they changed.
    tar --extract --gzip --strip-components=1 --touch \
        --file "$target/package/$crate-$version.crate" --directory "$packaged/$crate"
    echo "$crate = { path = '$packaged/$crate' }" >> "$packaged/config.toml"
done
