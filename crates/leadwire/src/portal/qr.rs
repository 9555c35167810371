//! A text as a picture that phones read (ISO/IEC 18004), drawn as one path: a page has neither inline styles nor pictures of others.

use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around the picture, without which phones do not find it (ISO/IEC 18004, 9.1).
const MARGIN: i32 = 4;

/// A picture.
pub(super) struct Picture {
    /// Its width and height.
    pub(super) size: i32,
    /// The dark parts, as the `d` of a path.
    pub(super) dark: String,
}

/// Draws a text; none when it is too long for any picture.
pub(super) fn draw(text: &str) -> Option<Picture> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let mut dark = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let from = x;
            while code.get_module(x, y) {
                x += 1;
            }
            if x > from {
                let (left, top, width) = (from + MARGIN, y + MARGIN, x - from);
                dark.push_str(&format!("M{left} {top}h{width}v1h-{width}z"));
            }
            x += 1;
        }
    }
    Some(Picture { size: code.size() + 2 * MARGIN, dark })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dark_part_is_drawn_and_no_other() {
        let text = "otpauth://totp/Leadwire:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let (picture, code) =
            (draw(text).expect("it fits"), QrCode::encode_text(text, QrCodeEcc::Medium).expect("it fits"));
        let mut drawn = std::collections::BTreeSet::new();
        for part in picture.dark.split('M').skip(1) {
            let numbers: Vec<i32> =
                part.split(|it: char| !it.is_ascii_digit()).filter_map(|it| it.parse().ok()).collect();
            drawn.extend((0..numbers[2]).map(|it| (numbers[0] + it - MARGIN, numbers[1] - MARGIN)));
        }
        let all = (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y)));
        let dark = all.filter(|(x, y)| code.get_module(*x, *y)).collect();
        assert_eq!(drawn, dark);
        assert!(picture.dark.len() < 20_000 && drawn.len() > 200);
        assert!(draw(&"x".repeat(10_000)).is_none());
    }
}
