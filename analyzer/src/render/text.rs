//! Names and sentences, made fit to be drawn: cleaned, measured, shortened, wrapped, escaped.
//!
//! What is drawn was chosen by the traced program: it may be a megabyte long, hold control characters, or turn the direction of
//! what follows it. And the font that will draw it is unknown, since an SVG that may refer to nothing outside carries no font. So:
//! every text goes through [`clean`] first, and is measured by a table with the widths of `DejaVu Sans`, one of the widest fonts
//! that `sans-serif` stands for. In Arial or Helvetica a text takes about an eighth less room than is kept for it.

/// A font, as far as the place that a text needs depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Font {
    /// In tenths of a pixel.
    pub(super) size: i32,
    pub(super) bold: bool,
    pub(super) mono: bool,
}

impl Font {
    pub(super) const fn sans(size: i32) -> Font {
        Font {
            size,
            bold: false,
            mono: false,
        }
    }

    pub(super) const fn bold(size: i32) -> Font {
        Font {
            size,
            bold: true,
            mono: false,
        }
    }

    pub(super) const fn mono(size: i32) -> Font {
        Font {
            size,
            bold: false,
            mono: true,
        }
    }

    /// From line to line.
    pub(super) const fn line_height(self) -> i32 {
        self.size * 7 / 5
    }
}

/// Widths of the ASCII characters from the space on, in hundredths of the font size.
#[rustfmt::skip]
const ASCII: [u8; 95] = [
    32, 41, 46, 84, 64, 96, 78, 28, 40, 40, 50, 84, 32, 37, 32, 34, // space to /
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84, 54, // 0 to ?
    100, 69, 69, 70, 78, 64, 58, 78, 76, 30, 30, 66, 56, 87, 75, 79, // @ to O
    61, 79, 70, 64, 62, 74, 69, 99, 69, 62, 69, 40, 34, 40, 84, 50, // P to _
    50, 62, 64, 55, 64, 62, 36, 64, 64, 28, 28, 58, 28, 98, 64, 62, // ` to o
    64, 64, 42, 53, 40, 64, 60, 82, 60, 60, 53, 64, 34, 64, 84, // p to ~
];

/// The width of one character, in hundredths of the font size.
fn advance(c: char, font: Font) -> i32 {
    let code = c as u32;
    if font.mono && code < 0x1100 {
        return 62;
    }
    let regular = match code {
        0x20..=0x7e => i32::from(ASCII[code as usize - 0x20]),
        0xb7 => 32,
        0x2013 | 0x2018..=0x201f => 52,
        0x7f..=0x24f => 74,
        0x250..=0x58f => 80,
        0x590..=0x10ff => 90,
        0x2190..=0x22ff => 88,
        // Some Arabic phrases are a single character.
        0xfdf0..=0xfdff => 1200,
        // Cuneiform, and what else lies above: signs that are wider than tall.
        0x1_2000..=0x1_2fff => 400,
        0x1_f000.. => 140,
        _ => 105,
    };
    if font.bold {
        regular * 9 / 8 + 3
    } else {
        regular
    }
}

/// The width to keep for a cleaned text, in tenths of a pixel.
pub(super) fn width(text: &str, font: Font) -> i32 {
    let hundredths: i64 = text.chars().map(|c| i64::from(advance(c, font))).sum();
    i32::try_from((hundredths * i64::from(font.size) + 99) / 100).unwrap_or(i32::MAX)
}

/// How much of each end of an endless text is kept.
const KEPT: usize = 600;

/// The text without what cannot or must not be drawn: white space of every kind becomes a space, what would turn the direction of
/// the text or is no valid XML becomes U+FFFD, so that one sees that there was something, and what has no width is left out. Of an
/// endless text the two ends are kept.
pub(super) fn clean(text: &str) -> String {
    let mut cleaned = String::new();
    if text.len() > 2 * KEPT * 4 {
        let end: Vec<char> = text.chars().rev().take(KEPT).collect();
        append(&mut cleaned, text.chars().take(KEPT));
        append(
            &mut cleaned,
            std::iter::once('…').chain(end.into_iter().rev()),
        );
    } else {
        append(&mut cleaned, text.chars());
    }
    cleaned.truncate(cleaned.trim_end().len());
    cleaned
}

fn append(cleaned: &mut String, text: impl Iterator<Item = char>) {
    let mut marks = 0;
    for c in text {
        let c = match c {
            _ if c.is_whitespace() => {
                if cleaned.is_empty() || cleaned.ends_with(' ') {
                    continue;
                }
                ' '
            }
            // Marks that stand on another character: two are writing, a hundred are an attack on the rows above.
            '\u{300}'..='\u{36f}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe20}'..='\u{fe2f}' => {
                marks += 1;
                if marks > 2 {
                    continue;
                }
                cleaned.push(c);
                continue;
            }
            // No width, or only with neighbours.
            '\u{ad}'
            | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{2064}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e0fff}' => {
                continue;
            }
            // Directions.
            '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{206f}'
            // What annotates, and what is no character at all.
            | '\u{fff9}'..='\u{fffb}'
            | '\u{fdd0}'..='\u{fdef}' => '\u{fffd}',
            _ if c.is_control() || c as u32 & 0xfffe == 0xfffe => '\u{fffd}',
            _ => c,
        };
        marks = 0;
        cleaned.push(c);
    }
}

/// A cleaned text that fits into `room`: what does not is taken from the middle, since the id at the beginning and the line at the
/// end tell most.
pub(super) fn shorten(text: &str, font: Font, room: i32) -> String {
    if width(text, font) <= room {
        return text.to_owned();
    }
    let room = room - width("…", font);
    let chars: Vec<char> = text.chars().collect();
    let of = |c: char| i64::from(advance(c, font)) * i64::from(font.size);
    let budget = i64::from(room) * 100;
    let (mut head, mut tail, mut used) = (0, chars.len(), 0);
    while tail > head && used + of(chars[tail - 1]) <= budget * 2 / 5 {
        tail -= 1;
        used += of(chars[tail]);
    }
    while head < tail && used + of(chars[head]) <= budget {
        used += of(chars[head]);
        head += 1;
    }
    let head: String = chars[..head].iter().collect();
    let tail: String = chars[tail..].iter().collect();
    format!("{}…{}", head.trim_end(), tail.trim_start())
}

/// A cleaned text in lines that fit into `room`, broken at spaces where there are any. At most `lines` of them: what does not fit is
/// taken from the middle of the last one.
pub(super) fn wrap(text: &str, font: Font, room: i32, lines: usize) -> Vec<String> {
    let mut wrapped = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if wrapped.len() + 1 == lines {
            wrapped.push(shorten(rest, font, room));
            break;
        }
        let end = line_end(rest, font, room);
        wrapped.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    wrapped
}

/// Where the first line of `text` ends: at the last space that leaves it short enough, or within a word that fills a line alone.
fn line_end(text: &str, font: Font, room: i32) -> usize {
    let budget = i64::from(room) * 100;
    let mut used = 0;
    let mut space = None;
    for (at, c) in text.char_indices() {
        used += i64::from(advance(c, font)) * i64::from(font.size);
        if c == ' ' {
            space = Some(at);
        } else if used > budget {
            // At least one character a line, or there would be no end.
            return space.unwrap_or(if at == 0 { c.len_utf8() } else { at });
        }
    }
    text.len()
}

/// The text with everything replaced that means something in XML.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const FONT: Font = Font::sans(120);

    #[test]
    fn control_characters_and_direction_marks_become_visible_and_harmless() {
        assert_eq!(
            clean("a\u{202e}b\u{0}c\u{1b}[31m"),
            "a\u{fffd}b\u{fffd}c\u{fffd}[31m"
        );
        assert_eq!(clean("two\nlines\tand  \r\n more\n"), "two lines and more");
        assert_eq!(clean("x\u{200b}\u{feff}y\u{ffff}"), "xy\u{fffd}");
    }

    #[test]
    fn towers_of_marks_are_cut_down() {
        let tower = format!("a{}b", "\u{301}".repeat(500));
        assert_eq!(clean(&tower), "a\u{301}\u{301}b");
    }

    #[test]
    fn of_a_megabyte_the_two_ends_are_kept() {
        let cleaned = clean(&format!("start{}end", "é".repeat(1_000_000)));
        assert!(cleaned.len() < 3_000);
        assert!(
            cleaned.starts_with("startéé") && cleaned.ends_with("ééend") && cleaned.contains('…')
        );
    }

    #[test]
    fn a_shortened_text_fits_and_keeps_both_ends() {
        let text =
            "awaits connection.read_until_the_end(&mut buffer) at src/server/connection.rs:143:22";
        for room in [300, 1000, 2000, 4000] {
            let short = shorten(text, FONT, room);
            assert!(width(&short, FONT) <= room, "{short:?} in {room}");
            assert!(short.contains('…'));
        }
        let short = shorten(text, FONT, 2500);
        assert!(
            short.starts_with("awaits conn") && short.ends_with("143:22"),
            "{short}"
        );
        assert_eq!(shorten("main", FONT, 1000), "main");
    }

    #[test]
    fn a_room_too_small_for_anything_leaves_the_dots() {
        assert_eq!(shorten("main", FONT, 0), "…");
    }

    #[test]
    fn wrapped_lines_fit_and_lose_nothing() {
        let text = "deadlock-cycle, proven: task #7 \"transfer b→a\" and task #8 \"transfer a→b\" wait for each other since 2.31 s";
        let lines = wrap(text, FONT, 2000, 20);
        assert!(lines.len() > 2);
        assert!(lines.iter().all(|line| width(line, FONT) <= 2000));
        assert_eq!(lines.join(" "), text);
    }

    #[test]
    fn a_word_longer_than_a_line_is_broken() {
        let lines = wrap(&"m".repeat(100), FONT, 1000, 99);
        assert!(lines.len() > 5 && lines.iter().all(|line| width(line, FONT) <= 1000));
        assert_eq!(lines.concat(), "m".repeat(100));
        assert_eq!(wrap("mm", FONT, 0, 99), ["m", "m"]);
    }

    #[test]
    fn the_last_line_allowed_says_that_there_was_more() {
        let lines = wrap(&"word ".repeat(100), FONT, 1000, 3);
        assert_eq!(lines.len(), 3);
        assert!(lines[2].contains('…') && width(&lines[2], FONT) <= 1000);
    }
}
