//! docs/logs.md against the code: its tables are made of what lines may say.

use std::fmt::Write;

use edge::log::{EVENTS, Field, REASONS};

const DOCUMENTED: &str = include_str!("../../docs/logs.md");

fn table(title: &str, rows: &[(String, &str)]) -> String {
    let mut table = format!("| {title} | |\n| --- | --- |\n");
    for (name, meaning) in rows {
        let _ = writeln!(table, "| {name} | {meaning} |");
    }
    table
}

#[test]
fn the_documentation_of_the_log_is_that_of_the_code() {
    let mut members = "| member | on | |\n| --- | --- | --- |\n".to_owned();
    for field in Field::ALL {
        let _ = writeln!(members, "| `{}` | {} | {} |", field.name(), field.on(), field.meaning());
    }
    let code = |rows: &'static [(&str, &str)]| {
        rows.iter().map(|(name, meaning)| (format!("`{name}`"), *meaning)).collect::<Vec<_>>()
    };
    let tables = [members, table("event", &code(EVENTS)), table("reason", &code(REASONS))];
    for expected in tables {
        assert!(DOCUMENTED.contains(&expected), "docs/logs.md must have this table:\n\n{expected}");
    }
}

/// The events of notes, which are words in the source.
#[test]
fn every_note_of_the_functions_has_a_documented_event() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut notes = 0;
    let mut folders = vec![format!("{root}/shared"), format!("{root}/functions")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.to_string_lossy().into_owned());
            } else if path.extension().is_some_and(|it| it == "rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                for rest in source.split("event = \"").skip(1) {
                    let event = rest.split('"').next().unwrap();
                    assert!(EVENTS.iter().any(|(name, _)| *name == event), "{event} in {}", path.display());
                    notes += 1;
                }
            }
        }
    }
    assert!(notes > 8, "{notes}");
}

#[test]
fn what_is_searched_by_is_indexed_and_within_the_bound() {
    for (group, keep) in [("KeptLog", "true"), ("Log", "false")] {
        let template = crate::resolved::resolved(&[("LogsOutliveStack", keep)]);
        let indexed = template["Resources"][group]["Properties"]["FieldIndexPolicies"][0]["Fields"].clone();
        let indexed: Vec<_> = indexed.as_sequence().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        assert!(indexed.len() <= 20, "AWS takes 20");
        for name in ["sub", "sid", "source_ip", "request_id", "api_request_id"] {
            assert!(indexed.contains(&name), "{name}");
        }
        for name in indexed {
            assert!(Field::ALL.iter().any(|field| field.name() == name), "{name} is in no line");
        }
    }
}
