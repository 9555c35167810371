//! Tables as CSV, for spreadsheets: no cell is a formula.

use super::wire;

/// One row.
pub(crate) fn row(cells: Vec<String>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells.into_iter().map(harmless)).expect("writing into memory cannot fail");
    writer.into_inner().expect("writing into memory cannot fail")
}

/// A cell that no spreadsheet takes for a formula.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

const HEADS: [&str; 17] = [
    "key",
    "touchpoints",
    "folded",
    "leads",
    "leads_delivered",
    "qualified",
    "converted",
    "disqualified",
    "lost",
    "delivered",
    "waiting",
    "parked",
    "suppressed",
    "do_not_contact",
    "erased",
    "median_seconds_to_crm",
    "p95_seconds_to_crm",
];

/// The rows of a report under their heads.
pub(crate) fn report(it: &wire::Report) -> Vec<u8> {
    let mut bytes = row(HEADS.map(str::to_owned).to_vec());
    it.rows.iter().for_each(|it| bytes.extend(row(cells(it))));
    bytes
}

fn cells(it: &wire::ReportRow) -> Vec<String> {
    let mut cells = vec![if it.other { "(other)".to_owned() } else { it.key.clone() }];
    cells.extend(counts(it).map(|it| it.to_string()));
    let seconds = |it: Option<f64>| it.map_or_else(String::new, |it| format!("{it:.3}"));
    cells.extend([seconds(it.seconds_to_crm.median), seconds(it.seconds_to_crm.p95)]);
    cells
}

fn counts(it: &wire::ReportRow) -> [u64; 14] {
    let at = &it.deliveries;
    [
        it.touchpoints,
        it.folded,
        it.leads,
        it.leads_delivered,
        it.qualified,
        it.converted,
        it.disqualified,
        it.lost,
        at.delivered,
        at.waiting,
        at.parked,
        at.suppressed,
        at.do_not_contact,
        at.erased,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_the_table_for_programs_has_a_name() {
        let one = wire::ReportRow {
            key: "=cmd".to_owned(),
            other: false,
            touchpoints: 3,
            folded: 1,
            leads: 2,
            leads_delivered: 2,
            qualified: 1,
            converted: 1,
            disqualified: 0,
            lost: 0,
            deliveries: wire::ReportDeliveries {
                delivered: 3,
                waiting: 0,
                parked: 0,
                suppressed: 0,
                do_not_contact: 0,
                erased: 0,
            },
            seconds_to_crm: wire::ReportTimes { count: 3, median: Some(0.5), p95: None },
        };
        assert_eq!(cells(&one).len(), HEADS.len());
        let line = String::from_utf8(row(cells(&one))).unwrap();
        assert!(line.starts_with("'=cmd,3,1,2,2,1,1,") && line.ends_with(",0.500,\n"), "{line}");
    }

    #[test]
    fn no_cell_is_a_formula() {
        let cells = ["=1+1", "+36 20", "-x", "@a", "\tb", "\rc", "'d", "e=f", ""].map(str::to_owned);
        let text = String::from_utf8(row(cells.to_vec())).unwrap();
        assert_eq!(text, "'=1+1,'+36 20,'-x,'@a,'\tb,\"'\rc\",'d,e=f,\n");
    }
}
