//! How numbers, colours and fonts are written in an SVG.

use std::fmt::{self, Write as _};

use plotters::style::RGBColor;

/// Coordinates of pictures are tenths of a pixel: a tenth is finer than any screen.
pub(super) const PX: i32 = 10;

/// Fonts that are on most machines and about equally wide, then whatever there is.
pub(super) const SANS: &str = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";
/// The same, with letters that are equally wide.
pub(super) const MONO: &str = "Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace";

/// Tenths of a pixel, written as pixels: `12`, `12.5`, `-.3`.
#[derive(Clone, Copy)]
pub(super) struct Px(pub(super) i32);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, tenth) = (self.0.abs() / PX, self.0.abs() % PX);
        if self.0 < 0 {
            f.write_char('-')?;
        }
        match (whole, tenth) {
            (_, 0) => write!(f, "{whole}"),
            (0, _) => write!(f, ".{tenth}"),
            _ => write!(f, "{whole}.{tenth}"),
        }
    }
}

/// A colour as `#rrggbb`.
pub(super) struct Hex(pub(super) RGBColor);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RGBColor(r, g, b) = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenths_are_written_as_pixels() {
        let written = [0, 5, 10, 123, -4, -25].map(|n| Px(n).to_string());
        assert_eq!(written, ["0", ".5", "1", "12.3", "-.4", "-2.5"]);
    }
}
