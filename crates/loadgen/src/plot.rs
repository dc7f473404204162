//! Plots as SVG: bar charts with logarithmic scales, and frames with axes in which others draw.

pub mod axes;
pub mod bars;

/// Formats a length in a picture, to a tenth of a pixel.
pub fn px(value: f64) -> String {
    format!("{value:.1}")
}

/// Formats a number with thousands separators and a minus sign.
pub fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let whole = text.find('.').unwrap_or(text.len());
    let mut out = String::new();
    if value < 0.0 && text.bytes().any(|byte| byte.is_ascii_digit() && byte != b'0') {
        out.push('\u{2212}');
    }
    for (place, character) in text.char_indices() {
        if place > 0 && place < whole && (whole - place) % 3 == 0 {
            out.push(',');
        }
        out.push(character);
    }
    out
}
