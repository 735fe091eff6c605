//! The page of the local server and the contract to read: what is served, and under which rules for browsers.

use std::collections::BTreeSet;

use harness::LocalServer;
use local::ROUTES;
use tempfile::TempDir;

use crate::local_server::exchange;

fn get(port: u16, path: &str) -> (u16, String, String) {
    exchange(port, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"))
}

/// The paths in quotes that `text` names, as HTML links and JavaScript imports do.
fn named(text: &str) -> BTreeSet<String> {
    text.split('"').filter(|word| word.starts_with('/') && !word.contains(' ')).map(str::to_owned).collect()
}

#[test]
fn every_file_that_the_page_names_is_served_and_none_is_from_elsewhere() {
    let data = TempDir::new().unwrap();
    let server = LocalServer::start(data.path(), &[]);
    let (mut known, mut unread) = (BTreeSet::new(), vec!["/".to_owned()]);
    while let Some(path) = unread.pop() {
        let (status, head, body) = get(server.port(), &path);
        assert_eq!(status, 200, "{path}");
        known.insert(path.clone());
        for absent in ["href=\"http", "src=\"http", " url(", "@import", "<style", "style=", "onclick"] {
            assert!(!body.contains(absent), "{path}: {absent}");
        }
        let is_code = head.contains("text/html") || head.contains("text/javascript");
        // The calls of the service, those of the protected API and the clock are named too: they are no files.
        let files = named(&body).into_iter().filter(|_| is_code && path != "/openapi.yaml");
        unread.extend(files.filter(|file| {
            let is_call = file.starts_with("/auth/") || file.starts_with("/protected");
            !is_call && file != "/local/clock" && !known.contains(file)
        }));
    }
    for path in ["/", "/docs", "/openapi.yaml", "/page/main.js", "/page/style.css", "/page/access-panel.js"] {
        assert!(known.contains(path), "nothing leads to {path}");
    }
}

#[test]
fn a_browser_is_told_to_run_nothing_else_and_to_put_it_into_no_frame() {
    let data = TempDir::new().unwrap();
    let server = LocalServer::start(data.path(), &[]);
    for (path, media_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/docs", "text/html; charset=utf-8"),
        ("/openapi.yaml", "application/yaml; charset=utf-8"),
        ("/page/main.js", "text/javascript; charset=utf-8"),
        ("/page/style.css", "text/css; charset=utf-8"),
        ("/page/icon.svg", "image/svg+xml"),
    ] {
        let (_, head, _) = get(server.port(), path);
        for header in [
            &*format!("content-type: {media_type}"),
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
             img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cross-origin-opener-policy: same-origin",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(head.lines().any(|line| line == header), "{path}: no {header} in {head}");
        }
    }
}

#[test]
fn the_contract_is_served_as_it_is_and_to_read() {
    let data = TempDir::new().unwrap();
    let server = LocalServer::start(data.path(), &[]);
    assert_eq!(get(server.port(), "/openapi.yaml").2, include_str!("../../openapi.yaml"));
    let (_, _, page) = get(server.port(), "/docs");
    for (path, _) in ROUTES {
        assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
    }
}

#[test]
fn files_take_get_and_head_alone() {
    let data = TempDir::new().unwrap();
    let server = LocalServer::start(data.path(), &[]);
    for (method, status) in [("HEAD", 200), ("POST", 405), ("PUT", 405), ("DELETE", 405), ("OPTIONS", 405)] {
        let request =
            format!("{method} / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let (answered, head, body) = exchange(server.port(), &request);
        assert_eq!((answered, &*body), (status, ""), "{method}");
        assert_eq!(head.contains("allow: get, head"), status == 405, "{method}: {head}");
    }
    assert_eq!(get(server.port(), "/page/none.js").0, 404);
    assert_eq!(get(server.port(), "/page/../local/src/site.rs").0, 404);
}
