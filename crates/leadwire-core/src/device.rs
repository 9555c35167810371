//! On what somebody signs in, as far as a browser says: the names of browser and system, and nothing that tells one machine from
//! another.

/// Browsers by what stands in their `User-Agent`, the more special ones first: nearly all call themselves Safari and Chrome too.
const BROWSERS: &[(&str, &str)] = &[
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems, the more special ones first: Android says Linux too, and an iPad says Mac OS X.
const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

/// Most bytes of a `User-Agent` that are looked at: those of browsers have some two hundred.
const LOOKED_AT: usize = 512;

/// What a browser says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// The browser; none: one that we have no name for.
    pub browser: Option<&'static str>,
    /// What it runs on; none: one that we have no name for.
    pub system: Option<&'static str>,
}

impl Device {
    /// Reads a `User-Agent` (RFC 9110, 10.1.5). What is kept is one of our own names: nothing of the text itself.
    pub fn read(user_agent: &str) -> Self {
        let mut most = user_agent.len().min(LOOKED_AT);
        while !user_agent.is_char_boundary(most) {
            most -= 1;
        }
        let text = &user_agent[..most];
        let named = |all: &[(&str, &'static str)]| all.iter().find(|it| text.contains(it.0)).map(|it| it.1);
        Self { browser: named(BROWSERS), system: named(SYSTEMS) }
    }

    /// Reads what [`Device::kept`] wrote; names that are not ours (any more) are none.
    pub fn parse(text: &str) -> Self {
        let (browser, system) = text.split_once('/').unwrap_or(("", ""));
        let named =
            |all: &[(&str, &'static str)], name: &str| all.iter().find(|it| it.1 == name).map(|it| it.1);
        Self { browser: named(BROWSERS, browser), system: named(SYSTEMS, system) }
    }

    /// As it is kept.
    pub fn kept(self) -> String {
        format!("{}/{}", self.browser.unwrap_or_default(), self.system.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_browsers_are_called_by_their_names() {
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)";
        let phone =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
        let table = [
            (format!("{windows} Chrome/131.0.0.0 Safari/537.36"), "Chrome/Windows"),
            (format!("{windows} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0"), "Edge/Windows"),
            (format!("{windows} Chrome/131.0.0.0 Safari/537.36 OPR/116.0.0.0"), "Opera/Windows"),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0".to_owned(), "Firefox/Linux"),
            (format!("{phone} Version/18.1 Mobile/15E148 Safari/604.1"), "Safari/iPhone"),
            (format!("{phone} CriOS/131.0 Mobile/15E148 Safari/604.1"), "Chrome/iPhone"),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36".to_owned(),
                "Chrome/Android",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15".to_owned(),
                "Safari/macOS",
            ),
            ("curl/8.5.0".to_owned(), "/"),
            (String::new(), "/"),
        ];
        for (text, name) in table {
            assert_eq!(Device::read(&text).kept(), name, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_kept_as_one_of_our_names(text in ".{0,700}") {
            let device = Device::read(&text);
            prop_assert_eq!(Device::parse(&device.kept()), device);
            prop_assert_eq!(Device::parse(&text).kept().matches('/').count(), 1);
        }
    }
}
