//! Which outages are played, and what is told of them.

use crate::account::{AccountPlan, Others, WindowPlan};
use crate::outage::{Control, HOUR, Scene, run};
use leadwire_core::budget::Cost;
use leadwire_core::lane::Shape;

/// Accounts as those of CRMs are: bursts and a day; a day that is told; and calls for each record.
pub(crate) fn scenes(leads: u32, outage: i64, control: Control) -> Vec<Scene> {
    let window = |calls, length, is_told: bool| WindowPlan {
        calls,
        length,
        kept_percent: 20,
        guess: (!is_told).then_some(calls),
        is_set: false,
        is_told,
    };
    let day = 24 * HOUR;
    let scene = |name: &'static str, windows, cost, shape| {
        let account = AccountPlan::new(name.to_owned(), windows, cost, Others::Modest, false);
        Scene { name, leads, outage, shape, account, control }
    };
    let cost = |fixed, each, spare| Cost { fixed, each, spare };
    vec![
        scene(
            "100 calls in 20 s and 50,000 a day, batches of 300",
            vec![window(100, 20_000, false), window(50_000, day, false)],
            cost(5, 0, 4),
            Shape { in_flight: 4, batch_max: 300, fold_max: 1 },
        ),
        scene(
            "15,000 calls a day as the service says, batches of 200",
            vec![window(15_000, day, true)],
            cost(8, 0, 10),
            Shape { in_flight: 4, batch_max: 200, fold_max: 1 },
        ),
        scene(
            "6,000 calls in 5 minutes, up to four for each lead",
            vec![window(6_000, 300_000, false)],
            cost(2, 4, 0),
            Shape { in_flight: 8, batch_max: 100, fold_max: 1 },
        ),
    ]
}

/// Runs every scene and tells of it. Whether all that must be so was so.
pub(crate) fn tell(leads: u32, outage: i64, control: Control) -> bool {
    let mut holds = true;
    let mut json = Vec::new();
    for scene in scenes(leads, outage, control) {
        let story = run(&scene);
        let complaints = story.complaints(&scene);
        let hours = |millis: Option<i64>| millis.map_or(-1.0, |it| tenths(it * 10 / HOUR));
        crate::run::say(&format!(
            "{}: {} of {leads} delivered, {:.1} hours after the outage (foretold: {:.1}); {} calls, {} while it was down, {} \
             refused, {} too many; {} kills; {}",
            scene.name,
            story.delivered,
            hours(story.drained_after),
            hours(story.foretold_after),
            story.calls,
            story.calls_in_outage,
            story.refused,
            story.exceeded,
            story.kills,
            if complaints.is_empty() { "holds".to_owned() } else { complaints.join("; ") }
        ));
        holds &= complaints.is_empty();
        json.push(format!(
            "{{\"delivered\":{},\"most_waiting\":{},\"out_of_order\":{},\"calls\":{},\"refused\":{},\"exceeded\":{},\
             \"others_refused\":{},\"calls_in_outage\":{},\"hours_to_drain\":{:.1},\"hours_foretold\":{:.1},\"complaints\":{}}}",
            story.delivered,
            story.waited,
            story.out_of_order,
            story.calls,
            story.refused,
            story.exceeded,
            story.others_refused,
            story.calls_in_outage,
            hours(story.drained_after),
            hours(story.foretold_after),
            complaints.len()
        ));
    }
    crate::run::say(&format!(
        "{{\"leads\":{leads},\"outage_hours\":{},\"control\":\"{control:?}\",\"accounts\":[{}]}}",
        outage / HOUR,
        json.join(",")
    ));
    holds
}

#[allow(clippy::cast_precision_loss, reason = "a few thousand tenths of hours")]
fn tenths(of: i64) -> f64 {
    of as f64 / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(control: Control) -> Vec<&'static str> {
        let scenes = scenes(10_000, 72 * HOUR, control);
        scenes.iter().flat_map(|it| run(it).complaints(it)).collect()
    }

    #[test]
    fn after_three_days_of_outage_everything_is_delivered_in_order_and_within_the_budget() {
        assert_eq!(complaints(Control::None), Vec::<&str>::new());
    }

    #[test]
    fn what_goes_wrong_in_an_outage_is_noticed() {
        for (control, expected) in [
            (Control::NoBudget, "the budget was exceeded"),
            (Control::NoOrder, "a lead was overtaken by what it did earlier"),
            (Control::LostLead, "not everything was delivered"),
        ] {
            assert!(complaints(control).contains(&expected), "{control:?}");
        }
    }
}
