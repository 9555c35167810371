//! A colour of one's own for the portal: whatever somebody gives, what is written in it or on it can be read.

/// Red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour([u8; 3]);

const WHITE: Colour = Colour([255, 255, 255]);
const BLACK: Colour = Colour([0, 0, 0]);
/// What stands on an accent in dark pages: the page itself.
const NIGHT: Colour = Colour([13, 17, 23]);
/// The brightest ground of dark pages that an accent is written on.
const DUSK: Colour = Colour([22, 27, 34]);
/// The darkest ground of light pages that an accent is written on.
const DAY: Colour = Colour([238, 240, 243]);
/// Contrast of a text with its ground, at least (WCAG 2.2, 1.4.3), and a little more for rounding.
const CONTRAST_MIN: f64 = 4.6;

/// The colours of one theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shades {
    /// Links and buttons.
    pub accent: Colour,
    /// The same where somebody points, and on the tint.
    pub strong: Colour,
    /// A ground with a breath of it.
    pub tint: Colour,
    /// What is written on the accent.
    pub on: Colour,
}

impl Colour {
    /// Reads `#3451c6`, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = [0; 3];
        crate::hex::decode_into(text.strip_prefix('#')?, &mut parts)?;
        Some(Self(parts))
    }

    /// Its digits, without a sign in front.
    pub fn digits(self) -> String {
        crate::hex::encode(&self.0)
    }

    /// Its relative luminance (WCAG 2.2, definition).
    fn luminance(self) -> f64 {
        let linear = |part: u8| match f64::from(part) / 255.0 {
            it if it <= 0.04045 => it / 12.92,
            it => ((it + 0.055) / 1.055).powf(2.4),
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// How well one is told from the other, from 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// So many hundredths of another colour in it.
    fn mixed(self, other: Self, hundredths: u16) -> Self {
        let mut parts = self.0;
        for (part, other) in parts.iter_mut().zip(other.0) {
            let sum = u16::from(*part) * (100 - hundredths) + u16::from(other) * hundredths;
            *part = u8::try_from((sum + 50) / 100).unwrap_or(u8::MAX);
        }
        Self(parts)
    }

    /// As little of another colour in it as makes it readable on every ground.
    fn readable(self, towards: Self, grounds: &[Self]) -> Self {
        let steps = (0..=100).map(|it| self.mixed(towards, it));
        let is_good = |it: &Self| grounds.iter().all(|ground| it.contrast(*ground) >= CONTRAST_MIN);
        steps.into_iter().find(is_good).unwrap_or(towards)
    }
}

/// The shades of a colour on light pages and on dark ones.
pub fn shades(colour: Colour) -> (Shades, Shades) {
    let tint = WHITE.mixed(colour, 8);
    let accent = colour.readable(BLACK, &[WHITE, DAY, tint]);
    let strong = accent.mixed(BLACK, 25);
    let light = Shades { accent, strong, tint, on: WHITE };
    let tint = NIGHT.mixed(colour, 12);
    let accent = colour.readable(WHITE, &[NIGHT, DUSK, tint]);
    let strong = accent.mixed(WHITE, 30);
    (light, Shades { accent, strong, tint, on: NIGHT })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colours_are_read_as_pages_write_them_and_nothing_else_is() {
        assert_eq!(Colour::parse("#3451C6").map(Colour::digits), Some("3451c6".to_owned()));
        for bad in ["", "3451c6", "#345", "#3451c6a", "#3451cg", "red", "#3451c6;}", "#é1c6"] {
            assert_eq!(Colour::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert!((BLACK.contrast(WHITE) - 21.0).abs() < 1e-9);
        // #767676 is the lightest grey that may stand on white.
        assert!(Colour([0x76; 3]).contrast(WHITE) >= 4.5 && Colour([0x77; 3]).contrast(WHITE) < 4.5);
    }

    #[test]
    fn a_colour_that_can_be_read_stays_as_it_is() {
        let house = Colour::parse("#263d9c").expect("a colour");
        assert_eq!(shades(house).0.accent, house);
    }

    proptest! {
        #[test]
        fn whatever_is_given_can_be_read(parts in any::<[u8; 3]>()) {
            let (light, dark) = shades(Colour(parts));
            for (shades, grounds) in [(light, [WHITE, DAY]), (dark, [NIGHT, DUSK])] {
                for text in [shades.accent, shades.strong] {
                    for ground in grounds.into_iter().chain([shades.tint, shades.on]) {
                        prop_assert!(text.contrast(ground) >= 4.5, "{text:?} on {ground:?}");
                    }
                }
            }
        }
    }
}
