//! A plugin that knows nothing of armature: a component with one typed function.
//!
//! The host makes a tool of it: the name, the JSON Schema and the description come from the types and comments in
//! `wit/units.wit`.

wit_bindgen::generate!({ path: "wit", world: "units" });

struct Units;

export!(Units);

impl Guest for Units {
    fn convert(value: f64, from: String, to: String) -> Result<f64, String> {
        convert(value, &from, &to)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Length,
    Mass,
    Temperature,
}

/// Symbol, kind, what one of it is in metres, kilograms or kelvins, and how far its zero lies above nothing.
const UNITS: [(&str, Kind, f64, f64); 12] = [
    ("m", Kind::Length, 1.0, 0.0),
    ("km", Kind::Length, 1000.0, 0.0),
    ("mi", Kind::Length, 1609.344, 0.0),
    ("ft", Kind::Length, 0.3048, 0.0),
    ("in", Kind::Length, 0.0254, 0.0),
    ("kg", Kind::Mass, 1.0, 0.0),
    ("g", Kind::Mass, 0.001, 0.0),
    ("lb", Kind::Mass, 0.453_592_37, 0.0),
    ("oz", Kind::Mass, 0.028_349_523_125, 0.0),
    ("C", Kind::Temperature, 1.0, 273.15),
    ("F", Kind::Temperature, 5.0 / 9.0, 459.67),
    ("K", Kind::Temperature, 1.0, 0.0),
];

fn convert(value: f64, from: &str, to: &str) -> Result<f64, String> {
    let unit = |symbol: &str| {
        UNITS
            .into_iter()
            .find(|(known, ..)| *known == symbol)
            .ok_or_else(|| {
                let known: Vec<&str> = UNITS.iter().map(|(symbol, ..)| *symbol).collect();
                format!("`{symbol}` is no unit here; there are {}", known.join(", "))
            })
    };
    let ((_, kind, size, zero), (_, other, other_size, other_zero)) = (unit(from)?, unit(to)?);
    if kind != other {
        return Err(format!("`{from}` and `{to}` do not measure the same"));
    }
    Ok((value + zero) * size / other_size - other_zero)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_converted_within_a_kind_only() {
        let near = |value: Result<f64, String>, wanted: f64| (value.unwrap() - wanted).abs() < 1e-9;
        assert!(near(convert(26.2, "mi", "km"), 42.1648128));
        assert!(near(convert(100.0, "C", "F"), 212.0));
        assert!(near(convert(-40.0, "F", "C"), -40.0));
        assert!(convert(1.0, "kg", "m").is_err());
        assert!(convert(1.0, "stone", "kg").unwrap_err().contains("lb"));
    }
}
