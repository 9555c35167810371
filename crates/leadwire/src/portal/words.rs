//! The portal's words, in every language, from the files of `locales`.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use leadwire_core::language::Language;
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<Vec<(Language, Bundle)>> =
    LazyLock::new(|| Language::ALL.into_iter().map(|it| (it, bundle(it))).collect());

/// The files of a language: the pages of leads, the audit log, settings with reports, signing in, who people are, and what was
/// kept aside.
fn sources(language: Language) -> [&'static str; 6] {
    match language {
        Language::En => [
            include_str!("../../locales/portal.en.ftl"),
            include_str!("../../locales/portal_audit.en.ftl"),
            include_str!("../../locales/portal_settings.en.ftl"),
            include_str!("../../locales/portal_sign_in.en.ftl"),
            include_str!("../../locales/portal_people.en.ftl"),
            include_str!("../../locales/portal_kept.en.ftl"),
        ],
        Language::Hu => [
            include_str!("../../locales/portal.hu.ftl"),
            include_str!("../../locales/portal_audit.hu.ftl"),
            include_str!("../../locales/portal_settings.hu.ftl"),
            include_str!("../../locales/portal_sign_in.hu.ftl"),
            include_str!("../../locales/portal_people.hu.ftl"),
            include_str!("../../locales/portal_kept.hu.ftl"),
        ],
        Language::Tr => [
            include_str!("../../locales/portal.tr.ftl"),
            include_str!("../../locales/portal_audit.tr.ftl"),
            include_str!("../../locales/portal_settings.tr.ftl"),
            include_str!("../../locales/portal_sign_in.tr.ftl"),
            include_str!("../../locales/portal_people.tr.ftl"),
            include_str!("../../locales/portal_kept.tr.ftl"),
        ],
    }
}

fn bundle(language: Language) -> Bundle {
    let id: LanguageIdentifier = language.code().parse().expect("our codes are codes of languages");
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    // Marks of direction around each value would end up in titles; all our languages run left to right.
    bundle.set_use_isolating(false);
    for source in sources(language) {
        let resource = FluentResource::try_new(source.to_owned()).expect("our own file can be read");
        bundle.add_resource(resource).expect("no message is there twice");
    }
    bundle
}

/// A message with its values. One that is not there says its own name: tests see to it that none is missing.
pub(super) fn say(language: Language, key: &str, args: &[(&str, FluentValue<'_>)]) -> String {
    find(language, key, args).unwrap_or_else(|| key.to_owned())
}

/// A message, if there is one of this name: for names that others make up, such as actions.
pub(super) fn find(language: Language, key: &str, args: &[(&str, FluentValue<'_>)]) -> Option<String> {
    let bundle = BUNDLES.iter().find(|it| it.0 == language).map(|it| &it.1)?;
    let pattern = bundle.get_message(key)?.value()?;
    let args: FluentArgs<'_> = args.iter().map(|(name, value)| (*name, value.clone())).collect();
    // What could not be put in is shown by its name; there is nobody to tell.
    let mut errors = Vec::new();
    Some(bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// Every message of a language with the variables in it.
    fn messages(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in sources(language).iter().flat_map(|it| it.lines()).filter(|it| !it.starts_with('#')) {
            let Some((key, text)) = line.split_once(" = ") else { continue };
            let variables = text.split("{ $").skip(1).filter_map(|it| it.split([' ', '}']).next());
            let is_new = found.insert(key.to_owned(), variables.map(str::to_owned).collect()).is_none();
            assert!(is_new, "{key} is there twice");
        }
        found
    }

    #[test]
    fn every_language_has_the_same_messages_with_the_same_variables() {
        let english = messages(Language::En);
        assert!(english.len() > 100);
        for language in [Language::Hu, Language::Tr] {
            assert_eq!(messages(language), english, "{language:?}");
        }
    }

    #[test]
    fn every_message_that_templates_and_pages_name_is_there() {
        let english = messages(Language::En);
        let here = env!("CARGO_MANIFEST_DIR");
        let mut named = 0;
        for folder in ["templates/portal", "src/portal"] {
            for file in std::fs::read_dir(format!("{here}/{folder}")).unwrap() {
                let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
                for before in [".say(\"", ".say_with(\"", ".say_count(\"", ".say_of(\""] {
                    for key in text.split(before).skip(1).filter_map(|it| it.split('"').next()) {
                        assert!(english.contains_key(key), "{key}");
                        named += 1;
                    }
                }
            }
        }
        assert!(named > 100, "{named}");
    }
}
