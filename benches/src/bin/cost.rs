//! What a million logins and refreshes cost by memory size, and how long each takes: the tables of docs/cost.md.
//!
//! `cargo run -p bench --bin cost -- [LOGIN_MS REFRESH_MS]`: the processor time of one warm call on this machine, as
//! `cargo run --release -p bench` prints it.

#![expect(clippy::print_stdout, clippy::indexing_slicing, reason = "a table for the terminal")]

use bench::Table;

/// Processor time of one warm login and refresh on the machine of docs/cost.md, in milliseconds.
const MEASURED: [f64; 2] = [9.0, 1.1];
/// How much longer a core of Lambda takes than that machine's: inferred from a published trace, see docs/cost.md.
const LAMBDA_CORE: f64 = 1.8;
/// How much longer again on Graviton2, assumed and not measured: scalar Argon2, and RSA without wide multiplication.
const ARM: [f64; 2] = [2.0, 2.0];
/// Milliseconds that a call waits for `DynamoDB`: a login reads and writes, a refresh reads.
const WAITING: [f64; 2] = [10.0, 5.0];
/// Dollars for a GB-second, `x86_64` and `arm64`.
const PER_GB_SECOND: [f64; 2] = [0.000_016_666_7, 0.000_013_333_4];
/// A function of 1,769 MB has one core; it is handed out in windows of 20 ms.
const ONE_CORE_MB: f64 = 1769.0;
const WINDOW_MS: f64 = 20.0;
const SIZES: [f64; 9] = [128.0, 192.0, 256.0, 384.0, 512.0, 768.0, 1024.0, 1536.0, 1769.0];

/// How long a call of so much work takes. What fits into the share of one window runs at full speed; each further
/// share waits for its window.
fn duration(work_ms: f64, waiting_ms: f64, megabytes: f64) -> f64 {
    let share = WINDOW_MS * (megabytes / ONE_CORE_MB).min(1.0);
    if share >= WINDOW_MS {
        return work_ms + waiting_ms;
    }
    let windows = (work_ms / share).ceil() - 1.0;
    windows * WINDOW_MS + (work_ms - windows * share) + waiting_ms
}

/// Dollars of compute for a million calls; whole milliseconds are billed.
fn dollars(duration_ms: f64, megabytes: f64, per_gb_second: f64) -> f64 {
    duration_ms.ceil() / 1000.0 * megabytes / 1024.0 * per_gb_second * 1e6
}

fn main() {
    let given: Vec<f64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let measured = <[f64; 2]>::try_from(given).unwrap_or(MEASURED);
    println!("Login {} ms and refresh {} ms of processor time as measured.\n", measured[0], measured[1]);
    let mut table = Table::new(&[
        "MB",
        "login, x86_64",
        "login, arm64 (assumed)",
        "refresh, x86_64",
        "refresh, arm64 (assumed)",
    ]);
    for megabytes in SIZES {
        let mut cells = vec![format!("{megabytes}")];
        for call in 0..2 {
            for (arm, price) in PER_GB_SECOND.into_iter().enumerate() {
                let factor = if arm == 1 { ARM[call] } else { 1.0 };
                let took = duration(measured[call] * LAMBDA_CORE * factor, WAITING[call], megabytes);
                cells.push(format!("{took:.0} ms, ${:.3}", dollars(took, megabytes, price)));
            }
        }
        table.row(&cells);
    }
    println!("{}", table.text());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_within_the_share_of_a_window_is_not_held_up() {
        assert!((duration(1.4, 5.0, 128.0) - 6.4).abs() < 1e-9);
        assert!((duration(100.0, 0.0, 1769.0) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn work_beyond_it_waits_for_the_next_window() {
        // The share of 128 MB is 1.447 ms.
        let took = duration(1.5, 0.0, 128.0);
        assert!(took > 20.0 && took < 20.1, "{took}");
    }

    #[test]
    fn a_started_millisecond_is_billed() {
        assert!((dollars(6.1, 1024.0, 0.00001) - dollars(7.0, 1024.0, 0.00001)).abs() < 1e-12);
    }
}
