//! ARCHITECTURE.md's picture of the crates, compared with what Cargo builds.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn the_arrows_in_architecture_md_are_the_dependencies_of_the_crates() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let drawn = drawn(&fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap());
    let built = built(root);
    for (of, on) in &built {
        assert_eq!(drawn.get(of).unwrap_or(&BTreeSet::new()), on, "the arrows of {of}");
    }
    assert!(drawn.keys().all(|of| built.contains_key(of)), "a crate that does not exist is drawn");
}

/// The lines `a --> b & c` of the first picture.
fn drawn(document: &str) -> Arrows {
    let (_, picture) = document.split_once("```mermaid\n").unwrap();
    let (picture, _) = picture.split_once("```").unwrap();
    let arrows = picture.lines().filter_map(|line| line.split_once(" --> "));
    arrows
        .map(|(of, on)| (of.trim().to_owned(), on.split(" & ").map(|name| name.trim().to_owned()).collect()))
        .collect()
}

/// The dependencies between members of the workspace.
fn built(root: &Path) -> Arrows {
    let workspace = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let (_, members) = workspace.split_once("members = [").unwrap();
    let members = members.split_once(']').unwrap().0.split('"').skip(1).step_by(2);
    let manifests: Vec<_> =
        members.map(|member| fs::read_to_string(root.join(member).join("Cargo.toml")).unwrap()).collect();
    let name = |manifest: &str| manifest.split('"').nth(1).unwrap().to_owned();
    let names: BTreeSet<_> = manifests.iter().map(|manifest| name(manifest)).collect();
    manifests
        .iter()
        .map(|manifest| {
            let dependencies = manifest.split_once("\n[dependencies]\n").map_or("", |(_, rest)| rest);
            let dependencies = dependencies.split("\n[").next().unwrap();
            let on = dependencies.lines().filter_map(|line| line.split(['.', ' ']).next());
            (name(manifest), on.filter(|on| names.contains(*on)).map(str::to_owned).collect())
        })
        .collect()
}
