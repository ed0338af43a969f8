//! Constants as `repr()` writes them.

use std::fmt::{self, Display, Formatter, Write};

use crate::{Constant, Text};

impl Display for Constant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Ellipsis => f.write_str("Ellipsis"),
            Self::StopIteration => f.write_str("<class 'StopIteration'>"),
            Self::Bool(value) => f.write_str(if *value { "True" } else { "False" }),
            Self::Int(value) => write!(f, "{value}"),
            Self::BigInt { negative, magnitude } => {
                f.write_str(if *negative { "-" } else { "" })?;
                f.write_str(&decimal(magnitude))
            }
            Self::Float(bits) => f.write_str(&float(*bits)),
            Self::Complex(real, imaginary) => complex(*real, *imaginary, f),
            Self::Str(text) => quoted(&characters(text), f),
            Self::Bytes(bytes) => {
                f.write_char('b')?;
                quoted(&bytes.iter().map(|byte| Err(u32::from(*byte))).collect::<Vec<_>>(), f)
            }
            Self::Tuple(items) if items.len() == 1 => write!(f, "({},)", items[0]),
            Self::Tuple(items) => list(f, "(", items, ")"),
            Self::FrozenSet(items) if items.is_empty() => f.write_str("frozenset()"),
            Self::FrozenSet(items) => list(f, "frozenset({", items, "})"),
            Self::Slice(parts) => list(f, "slice(", &parts[..], ")"),
            Self::Code(code) => write!(f, "<code object {}, line {}>", code.name, code.firstlineno),
            Self::Opaque(_) => f.write_str("<object>"),
        }
    }
}

fn list(f: &mut Formatter<'_>, open: &str, items: &[Constant], close: &str) -> fmt::Result {
    f.write_str(open)?;
    for (index, item) in items.iter().enumerate() {
        f.write_str(if index > 0 { ", " } else { "" })?;
        Display::fmt(item, f)?;
    }
    f.write_str(close)
}

/// Decimal digits of a little-endian magnitude.
fn decimal(magnitude: &[u8]) -> String {
    const GROUP: u64 = 1_000_000_000;
    let mut groups = vec![0_u64];
    for byte in magnitude.iter().rev() {
        let mut carry = u64::from(*byte);
        for group in &mut groups {
            carry += *group << 8;
            *group = carry % GROUP;
            carry /= GROUP;
        }
        if carry > 0 {
            groups.push(carry);
        }
    }
    let rest = groups.iter().rev().skip(1).map(|group| format!("{group:09}"));
    groups.last().map_or(String::new(), u64::to_string) + &rest.collect::<String>()
}

/// Python writes exponents with a sign and two digits at least.
fn float(bits: u64) -> String {
    let value = f64::from_bits(bits);
    if !value.is_finite() {
        return if value.is_nan() {
            "nan"
        } else if value > 0.0 {
            "inf"
        } else {
            "-inf"
        }
        .into();
    }
    let text = format!("{value:?}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(rest) => ('-', rest),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

fn complex(real: u64, imaginary: u64, f: &mut Formatter<'_>) -> fmt::Result {
    let part = |bits| {
        let text = float(bits);
        text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
    };
    if real == 0 {
        return write!(f, "{}j", part(imaginary));
    }
    let sign = if f64::from_bits(imaginary).is_sign_negative() { "" } else { "+" };
    write!(f, "({}{sign}{}j)", part(real), part(imaginary))
}

/// The characters; what is none (a lone surrogate, a byte) as its number.
fn characters(text: &Text) -> Vec<Result<char, u32>> {
    match text.as_str() {
        Some(text) => text.chars().map(Ok).collect(),
        None => text.code_points().map(|point| char::from_u32(point).ok_or(point)).collect(),
    }
}

fn quoted(items: &[Result<char, u32>], f: &mut Formatter<'_>) -> fmt::Result {
    let has = |wanted: char| items.iter().any(|item| item.map_or_else(char::from_u32, Some) == Some(wanted));
    let quote = if has('\'') && !has('"') { '"' } else { '\'' };
    f.write_char(quote)?;
    for item in items {
        let point = item.map_or_else(|point| point, u32::from);
        match (char::from_u32(point), item) {
            (Some('\n'), _) => f.write_str("\\n")?,
            (Some('\r'), _) => f.write_str("\\r")?,
            (Some('\t'), _) => f.write_str("\\t")?,
            (Some(char @ ('\\' | '\'')), _) if char == '\\' || char == quote => write!(f, "\\{char}")?,
            (Some(char @ ' '..='~'), _) => f.write_char(char)?,
            (_, Ok(char)) if !char.is_control() => f.write_char(*char)?,
            _ if point < 0x100 => write!(f, "\\x{point:02x}")?,
            _ => write!(f, "\\u{point:04x}")?,
        }
    }
    f.write_char(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_python_writes_them() {
        let shown = |constant: Constant| constant.to_string();
        assert_eq!(shown(Constant::float(1e16)), "1e+16");
        assert_eq!(shown(Constant::float(1e-5)), "1e-05");
        assert_eq!(shown(Constant::float(-0.5)), "-0.5");
        assert_eq!(shown(Constant::Complex(0, 2f64.to_bits())), "2j");
        assert_eq!(shown(Constant::Complex(1.5f64.to_bits(), (-2f64).to_bits())), "(1.5-2j)");
        assert_eq!(shown("it's\n".into()), "\"it's\\n\"");
        assert_eq!(shown("\"'\\".into()), "'\"\\'\\\\'");
        assert_eq!(shown(Constant::Bytes(b"a\x00\xff'".to_vec())), "b\"a\\x00\\xff'\"");
        assert_eq!(shown(Constant::Tuple(vec![1.into()])), "(1,)");
        let surrogate = Text::from_surrogatepass(b"a\xed\xb3\xbfz".to_vec());
        assert_eq!(shown(Constant::Str(surrogate)), "'a\\udcffz'");
        let big = Constant::BigInt { negative: true, magnitude: vec![0, 0, 0, 0, 0, 0, 0, 0, 1] };
        assert_eq!(shown(big), "-18446744073709551616");
    }
}
