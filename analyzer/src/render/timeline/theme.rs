//! How things look: sizes, fonts, colours, patterns, and the mark of each activity.
//!
//! Everything that could be argued about by eye stands here, so that the modules which place things hold no colour and no font
//! size. Three rules shaped the choice:
//!
//! - The colours are those of Okabe and Ito, which people with any of the common colour deficiencies tell apart.
//! - No two activities differ by colour alone. Running is solid and the tallest, scheduled is solid and half as tall, each kind of
//!   wait is a low band with a pattern of its own, and what is stuck is a striped and outlined bar, taller than all else.
//! - The page is opaque and framed, so that it reads the same on a white and on a dark page.

use plotters::style::RGBColor;

use super::model::Activity;
use super::text::Font;
use crate::render::palette::LIGHT;

/// Plotters draws on integers, which are tenths of a pixel here.
pub(super) use crate::render::markup::PX;

/// The width of the picture. Issue trackers show images about 900 pixels wide, so that the text keeps its size there.
pub(super) const WIDTH: i32 = 1000 * PX;
/// What stays free at the left and the right.
pub(super) const MARGIN: i32 = 24 * PX;
/// From the beginning of a stuck bar to its words: there is the sign.
pub(super) const SIGN: i32 = 28 * PX;

/// The page.
pub(super) const PAGE: RGBColor = LIGHT.page;
/// What has to be read.
pub(super) const INK: RGBColor = LIGHT.ink;
/// What may be read.
pub(super) const MUTED: RGBColor = LIGHT.muted;
/// Frames and the mesh of the time axis.
pub(super) const LINE: RGBColor = LIGHT.line;
/// Between rows.
pub(super) const HAIR: RGBColor = RGBColor(0xe8, 0xec, 0xf0);
/// What is wrong.
pub(super) const ALARM: RGBColor = LIGHT.alarm;
/// Behind what is wrong.
pub(super) const ALARM_TINT: RGBColor = LIGHT.alarm_tint;
/// The frame of a panel about what is wrong.
pub(super) const ALARM_LINE: RGBColor = LIGHT.alarm_line;
/// Behind a warning that the picture is not complete.
pub(super) const WARNING_TINT: RGBColor = LIGHT.warning_tint;
/// The frame of that warning.
pub(super) const WARNING_LINE: RGBColor = LIGHT.warning_line;
/// The line on which a task lives while it does nothing.
pub(super) const LIFE: RGBColor = RGBColor(0xc3, 0xca, 0xd1);

/// The program.
pub(super) const TITLE: Font = Font::bold(20 * PX);
/// What a number in the header is.
pub(super) const CAPTION: Font = Font::sans(10 * PX + 5);
/// A number in the header.
pub(super) const FACT: Font = Font::sans(13 * PX);
/// A finding in one sentence.
pub(super) const HEADLINE: Font = Font::bold(15 * PX);
/// Running text.
pub(super) const BODY: Font = Font::sans(12 * PX + 5);
/// Running text that is to be found.
pub(super) const BODY_BOLD: Font = Font::bold(12 * PX + 5);
/// File names.
pub(super) const FILE: Font = Font::mono(12 * PX);
/// The name of a row.
pub(super) const LABEL: Font = Font::sans(12 * PX + 5);
/// The name of a row that a finding is about.
pub(super) const LABEL_BOLD: Font = Font::bold(12 * PX + 5);
/// Where the task of a row is.
pub(super) const DETAIL: Font = Font::mono(10 * PX + 5);
/// Numbers at the time axis, the legend, and what stands on marks.
pub(super) const SMALL: Font = Font::sans(11 * PX);
/// The same, to be found.
pub(super) const SMALL_BOLD: Font = Font::bold(11 * PX);

/// The height of a bar that runs all the time.
pub(super) const BAR: i32 = 16 * PX;
/// The least height of anything that ran, however short it was.
pub(super) const TICK: i32 = 5 * PX;
/// The height of a bar that is scheduled all the time.
pub(super) const HALF: i32 = 8 * PX;
/// The height of the band of a wait.
pub(super) const BAND: i32 = 7 * PX;
/// The height of the line of a wait whose cause is not known.
pub(super) const THIN: i32 = 2 * PX;
/// The height of what is stuck.
pub(super) const STUCK: i32 = 20 * PX;
/// No mark is narrower.
pub(super) const NARROWEST: i32 = PX;
/// No stuck mark is narrower.
pub(super) const NARROWEST_STUCK: i32 = 6 * PX;

/// What fills a shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fill {
    /// One colour.
    Solid(RGBColor),
    /// A pattern from [`PATTERNS`], by its id.
    Pattern(&'static str),
}

/// The patterns. Each has a pale and a dark part: seen from far away they blend into their colour, without colour they differ by direction.
pub(super) const PATTERNS: &str = concat!(
    r##"<pattern id="ais-stuck" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">"##,
    r##"<rect width="9" height="9" fill="#d55e00"/><rect width="3" height="9" fill="#ffd9c4"/></pattern>"##,
    r##"<pattern id="ais-lock" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">"##,
    r##"<rect width="5" height="5" fill="#f6dfeb"/><rect width="2" height="5" fill="#b55f92"/></pattern>"##,
    r##"<pattern id="ais-channel" width="11" height="8" patternUnits="userSpaceOnUse">"##,
    r##"<rect width="11" height="8" fill="#d3efe5"/><rect width="7" height="8" fill="#2fa583"/></pattern>"##,
    r##"<pattern id="ais-task" width="4" height="4" patternUnits="userSpaceOnUse">"##,
    r##"<rect width="4" height="4" fill="#e3f2fb"/><rect width="1.5" height="4" fill="#3a95cc"/></pattern>"##,
);

/// The mark of an activity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// What the legend calls it.
    pub(super) name: &'static str,
    /// What fills it.
    pub(super) fill: Fill,
    /// How tall it is where nothing else happens.
    pub(super) height: i32,
}

/// All activities, in the order of the legend.
pub(super) const ACTIVITIES: [Activity; 7] = [
    Activity::Stuck,
    Activity::Running,
    Activity::Scheduled,
    Activity::WaitsForLock,
    Activity::WaitsForChannel,
    Activity::WaitsForTask,
    Activity::WaitsForOther,
];

/// The mark of `activity`.
pub(super) fn look(activity: Activity) -> Look {
    let (name, fill, height) = match activity {
        Activity::Running => ("running", Fill::Solid(RGBColor(0x00, 0x5f, 0x9e)), BAR),
        Activity::Scheduled => (
            "scheduled, not polled yet",
            Fill::Solid(RGBColor(0xe6, 0x9f, 0x00)),
            HALF,
        ),
        Activity::WaitsForLock => ("waits for a lock", Fill::Pattern("ais-lock"), BAND),
        Activity::WaitsForChannel => ("waits for a channel", Fill::Pattern("ais-channel"), BAND),
        Activity::WaitsForTask => ("waits for a task", Fill::Pattern("ais-task"), BAND),
        Activity::WaitsForOther => (
            "other wait (I/O, timer)",
            Fill::Solid(RGBColor(0x8b, 0x94, 0x9e)),
            THIN,
        ),
        Activity::Stuck => ("stuck, cannot end", Fill::Pattern("ais-stuck"), STUCK),
    };
    Look { name, fill, height }
}
