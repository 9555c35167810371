//! An entity group transaction as bytes, to the letter as Azure documents it and Azurite took it. Pure.
//!
//! Source: learn.microsoft.com, "Performing entity group transactions"; bytes recorded in contract 2.9.

/// One operation of a transaction.
pub(super) struct Operation {
    /// `POST` inserts, `PATCH` merges.
    pub(super) method: &'static str,
    /// Absolute.
    pub(super) url: String,
    /// Headers besides those every operation has.
    pub(super) more: &'static str,
    /// The row, as JSON.
    pub(super) body: String,
}

/// The body of a transaction. Every line ends with CR and LF, the last one too. A boundary cannot be within a row: JSON
/// writes its line breaks as `\n`.
pub(super) fn write(batch: &str, changeset: &str, operations: &[Operation]) -> String {
    let mut out = format!("--{batch}\r\nContent-Type: multipart/mixed; boundary={changeset}\r\n\r\n");
    for (at, it) in operations.iter().enumerate() {
        out.push_str(&format!(
            "--{changeset}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\
             Content-ID: {at}\r\n\r\n{} {} HTTP/1.1\r\nContent-Type: application/json\r\n\
             Accept: application/json;odata=minimalmetadata\r\nPrefer: return-no-content\r\n\
             DataServiceVersion: 3.0\r\n{}\r\n{}\r\n",
            it.method, it.url, it.more, it.body
        ));
    }
    out.push_str(&format!("--{changeset}--\r\n--{batch}--\r\n"));
    out
}
