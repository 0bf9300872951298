//! The colours that all pictures share, on a white and on a dark page.
//!
//! They are made from those of Okabe and Ito, which people with any of the common colour deficiencies tell apart. No picture says
//! anything by colour alone.

use plotters::style::RGBColor;

/// The page that a picture is drawn for. The background is opaque: a picture keeps its look wherever it is pasted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Theme {
    /// Dark on white.
    #[default]
    Light,
    /// Light on nearly black.
    Dark,
}

impl Theme {
    pub(super) const fn palette(self) -> &'static Palette {
        match self {
            Theme::Light => &LIGHT,
            Theme::Dark => &DARK,
        }
    }
}

/// Colours by what they are for.
#[derive(Debug)]
pub(super) struct Palette {
    /// The page.
    pub(super) page: RGBColor,
    /// What has to be read.
    pub(super) ink: RGBColor,
    /// What may be read.
    pub(super) muted: RGBColor,
    /// Frames.
    pub(super) line: RGBColor,
    /// What is wrong.
    pub(super) alarm: RGBColor,
    /// Behind what is wrong.
    pub(super) alarm_tint: RGBColor,
    /// The frame of a panel about what is wrong.
    pub(super) alarm_line: RGBColor,
    /// What is hit by it: lines and outlines.
    pub(super) warning: RGBColor,
    /// Behind what is hit by it, and behind a warning.
    pub(super) warning_tint: RGBColor,
    /// The frame of that warning.
    pub(super) warning_line: RGBColor,
    /// Behind what is neither.
    pub(super) calm_tint: RGBColor,
    /// The outline of what is neither.
    pub(super) calm: RGBColor,
    /// The outline of what is as it should be.
    pub(super) good: RGBColor,
    /// Behind it.
    pub(super) good_tint: RGBColor,
}

pub(super) const LIGHT: Palette = Palette {
    page: RGBColor(255, 255, 255),
    ink: RGBColor(0x1c, 0x21, 0x28),
    muted: RGBColor(0x59, 0x63, 0x6e),
    line: RGBColor(0xd1, 0xd9, 0xe0),
    alarm: RGBColor(0xa4, 0x26, 0x00),
    alarm_tint: RGBColor(0xff, 0xf1, 0xea),
    alarm_line: RGBColor(0xf2, 0xc4, 0xae),
    warning: RGBColor(0x9a, 0x67, 0x00),
    warning_tint: RGBColor(0xff, 0xf8, 0xdb),
    warning_line: RGBColor(0xdd, 0xb6, 0x3c),
    calm_tint: RGBColor(0xf3, 0xf6, 0xf9),
    calm: RGBColor(0x6e, 0x78, 0x83),
    good: RGBColor(0x00, 0x6b, 0x4e),
    good_tint: RGBColor(0xe8, 0xf6, 0xf1),
};

pub(super) const DARK: Palette = Palette {
    page: RGBColor(0x0f, 0x14, 0x1a),
    ink: RGBColor(0xe8, 0xed, 0xf2),
    muted: RGBColor(0x9d, 0xa7, 0xb3),
    line: RGBColor(0x35, 0x3d, 0x47),
    alarm: RGBColor(0xff, 0x8a, 0x5c),
    alarm_tint: RGBColor(0x33, 0x1a, 0x10),
    alarm_line: RGBColor(0x7a, 0x40, 0x28),
    warning: RGBColor(0xe0, 0xb0, 0x40),
    warning_tint: RGBColor(0x2a, 0x23, 0x0e),
    warning_line: RGBColor(0x8a, 0x6d, 0x1c),
    calm_tint: RGBColor(0x1a, 0x21, 0x29),
    calm: RGBColor(0x8b, 0x96, 0xa2),
    good: RGBColor(0x4f, 0xc9, 0xa4),
    good_tint: RGBColor(0x0f, 0x2a, 0x22),
};
