//! The pages' own words, in every language, from the files of `locales`.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use leadwire_core::country;
use leadwire_core::language::Language;
use leadwire_core::text;
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<Vec<(Language, Bundle)>> =
    LazyLock::new(|| Language::ALL.into_iter().map(|it| (it, bundle(it))).collect());

static COUNTRIES: LazyLock<Vec<(Language, Vec<Country>)>> =
    LazyLock::new(|| Language::ALL.into_iter().map(|it| (it, sorted_countries(it))).collect());

/// A country to choose.
pub(super) struct Country {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
}

fn source(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("../../../locales/page.en.ftl"),
        Language::Hu => include_str!("../../../locales/page.hu.ftl"),
        Language::Tr => include_str!("../../../locales/page.tr.ftl"),
    }
}

fn bundle(language: Language) -> Bundle {
    let id: LanguageIdentifier = language.code().parse().expect("our codes are codes of languages");
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    // Marks of direction around each value would end up in titles and addresses; all our languages run left to right.
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(source(language).to_owned());
    bundle.add_resource(resource.expect("our own file can be read")).expect("no message is there twice");
    bundle
}

/// A message. One that is not there says its own name: a test sees to it that none is missing.
pub(super) fn say(language: Language, key: &str, args: &[(&str, FluentValue<'_>)]) -> String {
    let bundle = BUNDLES.iter().find(|it| it.0 == language).map(|it| &it.1);
    let pattern = bundle.and_then(|it| it.get_message(key)?.value());
    let (Some(bundle), Some(pattern)) = (bundle, pattern) else { return key.to_owned() };
    let args: FluentArgs<'_> = args.iter().map(|(name, value)| (*name, value.clone())).collect();
    // What could not be put in is shown by its name; there is nobody to tell.
    let mut errors = Vec::new();
    bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned()
}

/// Every country by its name in a language, sorted by it.
pub(super) fn countries(language: Language) -> &'static [Country] {
    COUNTRIES.iter().find(|it| it.0 == language).map_or(&[], |it| it.1.as_slice())
}

fn sorted_countries(language: Language) -> Vec<Country> {
    let name = |code| match language {
        Language::En => country::english_name(code),
        Language::Hu => country::hungarian_name(code),
        Language::Tr => country::turkish_name(code),
    };
    let named = country::codes().filter_map(|code| Some(Country { code, name: name(code)? }));
    let mut all: Vec<Country> = named.collect();
    all.sort_by_cached_key(|it| text::search_form(it.name));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Every message of a language with the variables in it.
    fn messages(language: Language) -> BTreeMap<String, Vec<String>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut current = String::new();
        for line in source(language).lines().filter(|it| !it.starts_with('#')) {
            if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with([' ', '}'])) {
                current = key.to_owned();
                assert!(found.insert(current.clone(), Vec::new()).is_none(), "{current} is there twice");
            }
            let variables = line.split("{ $").skip(1).filter_map(|it| it.split([' ', '}']).next());
            let known = found.entry(current.clone()).or_default();
            known.extend(variables.map(str::to_owned));
            known.sort();
            known.dedup();
        }
        found.remove("");
        found
    }

    #[test]
    fn every_language_has_the_same_messages_with_the_same_variables() {
        let english = messages(Language::En);
        assert!(english.len() > 50);
        for language in [Language::Hu, Language::Tr] {
            let other = messages(language);
            let keys = |it: &BTreeMap<String, Vec<String>>| it.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(&other), keys(&english), "{language:?}");
            for (key, variables) in &other {
                // A sentence may do without the name of whom it speaks.
                assert!(variables.iter().all(|it| english[key].contains(it)), "{language:?} {key}");
            }
        }
    }

    #[test]
    fn every_message_says_something_in_every_language() {
        let args = ["publisher", "title", "field"].map(|it| (it, FluentValue::from("X")));
        let numbers = ["count", "max", "seconds"].map(|it| (it, FluentValue::from(2)));
        let all: Vec<(&str, FluentValue<'_>)> = args.into_iter().chain(numbers).collect();
        for language in Language::ALL {
            for key in messages(language).keys() {
                let said = say(language, key, &all);
                // In English the word `optional` is its own name.
                let is_said = said != *key || key == "optional";
                assert!(is_said && !said.contains(['$', '{']), "{language:?} {key}: {said}");
            }
        }
        let one = say(Language::Tr, "errors-heading", &[("count", FluentValue::from(1))]);
        assert_eq!(one, "Bir noktayı düzeltmeniz gerekiyor");
    }

    #[test]
    fn countries_are_all_there_and_sorted_in_each_language() {
        for language in Language::ALL {
            assert_eq!(countries(language).len(), country::codes().count());
        }
        let turkish = countries(Language::Tr);
        let place = |name: &str| turkish.iter().position(|it| it.name == name).expect(name);
        assert!(place("Çin") < place("Danimarka") && place("İtalya") < place("Japonya"));
    }
}
