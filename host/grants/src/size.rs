//! Sizes in bytes as people write them: `64MiB`, `4096`, `1.5 GB`.

/// Reads a size. A bare number is bytes; `KiB`, `MiB`, `GiB` are powers of 1024, `kB`, `MB`, `GB` powers of 1000.
///
/// # Errors
/// The text itself when it is not a size.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let bad = || {
        format!("`{text}` is not a size; write bytes, or a number with KiB, MiB, GiB, kB, MB or GB")
    };
    let trimmed = text.trim();
    let split = trimmed
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let number: f64 = number.trim().parse().map_err(|_| bad())?;
    let factor: f64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kib" | "k" => 1024.0,
        "mib" | "m" => 1024.0 * 1024.0,
        "gib" | "g" => 1024.0 * 1024.0 * 1024.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        _ => return Err(bad()),
    };
    let bytes = number * factor;
    if !bytes.is_finite() || bytes < 0.0 || bytes > 2f64.powi(53) {
        return Err(bad());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a whole number of bytes below 2^53"
    )]
    Ok(bytes.round() as u64)
}

/// Writes a size the way [`parse_bytes`] reads it, in the largest unit of 1024 that divides it.
pub fn show_bytes(bytes: u64) -> String {
    for (factor, unit) in [(1u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if bytes >= factor && bytes.is_multiple_of(factor) {
            return format!("{}{unit}", bytes / factor);
        }
    }
    format!("{bytes}B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_families_of_units_and_written_back() {
        assert_eq!(parse_bytes("64MiB"), Ok(64 << 20));
        assert_eq!(parse_bytes(" 1.5 GB "), Ok(1_500_000_000));
        assert_eq!(parse_bytes("12"), Ok(12));
        assert_eq!(show_bytes(64 << 20), "64MiB");
        assert_eq!(show_bytes(1000), "1000B");
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "MiB", "-1", "1 parsec", "NaN", "1e400"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }
}
