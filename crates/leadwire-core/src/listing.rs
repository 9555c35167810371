//! What an offer shows to the world: its kind, its texts in each language, and the buttons with what each one means.

pub mod form;
pub mod readiness;

use crate::language::{Language, PerLanguage};
use crate::touchpoint::{Action, Source};

/// Where an offer's listing page stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OfferState {
    /// Nobody sees the page.
    #[default]
    Draft,
    /// Who has the preview's link sees it, and what is sent from there is a test.
    Preview,
    /// Everybody sees it.
    Live,
}

impl OfferState {
    /// All of them, in their order.
    pub const ALL: [OfferState; 3] = [OfferState::Draft, OfferState::Preview, OfferState::Live];

    /// Its name in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            OfferState::Draft => "draft",
            OfferState::Preview => "preview",
            OfferState::Live => "live",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// What kind of thing an offer is, as the marketplace's documents tell kinds apart: by it and the buttons it is
/// decided whether a lead destination must be there ("When a destination is required", Microsoft 2019 to 2020).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferKind {
    /// Software as a service.
    Saas,
    /// Dynamics 365 apps on Customer Engagement.
    Dynamics365CustomerEngagement,
    /// Dynamics 365 Operations and Finance.
    Dynamics365Operations,
    /// Dynamics 365 Business Central.
    Dynamics365BusinessCentral,
    /// A consulting service.
    ConsultingService,
    /// A Power BI app.
    PowerBiApp,
    /// An add-in of Office.
    OfficeAddIn,
    /// A virtual machine.
    VirtualMachine,
    /// An Azure application.
    AzureApplication,
    /// A container.
    Container,
    /// A managed service.
    ManagedService,
    /// A module of IoT Edge.
    IotEdgeModule,
}

impl OfferKind {
    /// All of them.
    pub const ALL: [OfferKind; 12] = [
        OfferKind::Saas,
        OfferKind::Dynamics365CustomerEngagement,
        OfferKind::Dynamics365Operations,
        OfferKind::Dynamics365BusinessCentral,
        OfferKind::ConsultingService,
        OfferKind::PowerBiApp,
        OfferKind::OfficeAddIn,
        OfferKind::VirtualMachine,
        OfferKind::AzureApplication,
        OfferKind::Container,
        OfferKind::ManagedService,
        OfferKind::IotEdgeModule,
    ];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            OfferKind::Saas => "saas",
            OfferKind::Dynamics365CustomerEngagement => "dynamics_365_customer_engagement",
            OfferKind::Dynamics365Operations => "dynamics_365_operations",
            OfferKind::Dynamics365BusinessCentral => "dynamics_365_business_central",
            OfferKind::ConsultingService => "consulting_service",
            OfferKind::PowerBiApp => "power_bi_app",
            OfferKind::OfficeAddIn => "office_add_in",
            OfferKind::VirtualMachine => "virtual_machine",
            OfferKind::AzureApplication => "azure_application",
            OfferKind::Container => "container",
            OfferKind::ManagedService => "managed_service",
            OfferKind::IotEdgeModule => "iot_edge_module",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// The storefront that lists such offers.
    pub fn storefront(self) -> Source {
        match self {
            OfferKind::Saas
            | OfferKind::Dynamics365CustomerEngagement
            | OfferKind::Dynamics365Operations
            | OfferKind::Dynamics365BusinessCentral
            | OfferKind::ConsultingService
            | OfferKind::PowerBiApp
            | OfferKind::OfficeAddIn => Source::Spza,
            OfferKind::VirtualMachine
            | OfferKind::AzureApplication
            | OfferKind::Container
            | OfferKind::ManagedService
            | OfferKind::IotEdgeModule => Source::AzureMarketplace,
        }
    }

    /// Whether an offer of this kind with these buttons must have a lead destination to be listed; and why.
    ///
    /// Required by the documents: SaaS and Customer Engagement offers listed as *Contact me*; all Operations, Business
    /// Central and consulting-service offers; SaaS offers that are sold through the marketplace. Else recommended.
    pub fn needs_destination(self, buttons: &[Button]) -> Option<&'static str> {
        let has = |it| buttons.contains(&it);
        match self {
            OfferKind::Dynamics365Operations
            | OfferKind::Dynamics365BusinessCentral
            | OfferKind::ConsultingService => Some("every offer of this kind must have one"),
            OfferKind::Saas | OfferKind::Dynamics365CustomerEngagement if has(Button::ContactMe) => {
                Some("an offer of this kind that lists `contact_me` must have one")
            }
            OfferKind::Saas if has(Button::Purchase) => {
                Some("an offer of this kind that is sold here must have one")
            }
            OfferKind::Saas
            | OfferKind::Dynamics365CustomerEngagement
            | OfferKind::PowerBiApp
            | OfferKind::OfficeAddIn
            | OfferKind::VirtualMachine
            | OfferKind::AzureApplication
            | OfferKind::Container
            | OfferKind::ManagedService
            | OfferKind::IotEdgeModule => None,
        }
    }
}

/// What a customer can do on a listing page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Button {
    /// Start a test drive.
    TestDrive,
    /// Get it now.
    GetItNow,
    /// Ask to be contacted.
    ContactMe,
    /// Buy it.
    Purchase,
}

impl Button {
    /// All of them, in the order a page shows them unless its listing says otherwise.
    pub const ALL: [Button; 4] = [Button::TestDrive, Button::GetItNow, Button::ContactMe, Button::Purchase];

    /// Its name in the API and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Button::TestDrive => "test_drive",
            Button::GetItNow => "get_it_now",
            Button::ContactMe => "contact_me",
            Button::Purchase => "purchase",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// What the documents write for it: `StartTestDrive` comes from test drives only, `PLT` from AppSource, `Create`
    /// from the Azure portal, and `INS` from either storefront ("Get customer leads", 2017 to 2021).
    pub fn means(self, kind: OfferKind) -> (Source, Action) {
        match self {
            Button::TestDrive => (Source::TestDrive, Action::StartTestDrive),
            Button::GetItNow => (kind.storefront(), Action::Installation),
            Button::ContactMe => (Source::Spza, Action::PartnerLedTrial),
            Button::Purchase => (Source::AzurePortal, Action::Create),
        }
    }
}

/// A button that an offer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Which.
    pub button: Button,
    /// Where the customer goes on to afterwards, such as the checkout: an https address, or none.
    pub next_url: Option<String>,
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its https address.
    pub url: String,
    /// What is to be seen on it, for who does not see it.
    pub alt: PerLanguage<String>,
}

/// What the page says in one language. Plain texts: an empty line starts a new paragraph.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Texts {
    /// The offer's name.
    pub title: String,
    /// What it is, in a sentence or two.
    pub summary: String,
    /// All about it.
    pub description: String,
    /// What the customer agrees to.
    pub consent: String,
    /// Which version of that text this is; it is kept with what the customer sends.
    pub consent_version: String,
}

impl Texts {
    /// Whether a page can be shown with them.
    pub fn is_complete(&self) -> bool {
        [&self.title, &self.summary, &self.consent, &self.consent_version].iter().all(|it| !it.is_empty())
    }
}

/// What an offer shows to the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What kind of thing it is.
    pub kind: OfferKind,
    /// What a customer can do, in the order of the page; none twice.
    pub offered: Vec<Offered>,
    /// What is said, in each language that the offer has.
    pub texts: PerLanguage<Texts>,
    /// Pictures, in the order of the page.
    pub pictures: Vec<Picture>,
    /// The https address of the publisher's privacy statement.
    pub privacy_url: Option<String>,
    /// Origins, such as `https://www.example.com`, whose pages may hold the form.
    pub embed_origins: Vec<String>,
}

impl Listing {
    /// The buttons alone.
    pub fn buttons(&self) -> Vec<Button> {
        self.offered.iter().map(|it| it.button).collect()
    }

    /// A button, if the offer has it.
    pub fn offered(&self, button: Button) -> Option<&Offered> {
        self.offered.iter().find(|it| it.button == button)
    }

    /// Languages in which the page can be shown, in their usual order.
    pub fn languages(&self) -> Vec<Language> {
        self.texts.iter().filter(|it| it.1.is_complete()).map(|it| it.0).collect()
    }
}

/// The paragraphs of a plain text: what empty lines part. Inside, every line end stays one.
pub fn paragraphs(text: &str) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    for line in text.lines().map(str::trim_end) {
        match all.last_mut() {
            Some(last) if !line.trim().is_empty() => last.push(line.to_owned()),
            Some(last) if !last.is_empty() => all.push(Vec::new()),
            Some(_) | None => {}
        }
    }
    all.retain(|it| !it.is_empty());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_button_means_what_the_documents_define() {
        let said = |button: Button, kind| {
            let (source, action) = button.means(kind);
            format!("{source}-{action}")
        };
        assert_eq!(said(Button::TestDrive, OfferKind::Saas), "TestDrive-StartTestDrive");
        assert_eq!(said(Button::GetItNow, OfferKind::Saas), "SPZA-INS");
        assert_eq!(said(Button::GetItNow, OfferKind::VirtualMachine), "AzureMarketplace-INS");
        assert_eq!(said(Button::ContactMe, OfferKind::Container), "SPZA-PLT");
        assert_eq!(said(Button::Purchase, OfferKind::Saas), "AzurePortal-Create");
    }

    #[test]
    fn a_destination_is_required_where_the_documents_say_so() {
        let needs = |kind: OfferKind, buttons: &[Button]| kind.needs_destination(buttons).is_some();
        for kind in OfferKind::ALL {
            let always = matches!(
                kind,
                OfferKind::Dynamics365Operations
                    | OfferKind::Dynamics365BusinessCentral
                    | OfferKind::ConsultingService
            );
            let listed_as_contact_me =
                matches!(kind, OfferKind::Saas | OfferKind::Dynamics365CustomerEngagement);
            assert_eq!(needs(kind, &[Button::GetItNow]), always, "{kind:?}");
            assert_eq!(needs(kind, &[Button::ContactMe]), always || listed_as_contact_me, "{kind:?}");
        }
        assert!(needs(OfferKind::Saas, &[Button::Purchase]));
        assert!(!needs(OfferKind::VirtualMachine, &[Button::Purchase]));
    }

    #[test]
    fn names_are_read_back() {
        for kind in OfferKind::ALL {
            assert_eq!(OfferKind::parse(kind.as_str()), Some(kind));
        }
        for button in Button::ALL {
            assert_eq!(Button::parse(button.as_str()), Some(button));
        }
        for state in OfferState::ALL {
            assert_eq!(OfferState::parse(state.as_str()), Some(state));
        }
    }

    #[test]
    fn empty_lines_part_paragraphs() {
        let read = paragraphs("\n\none\r\ntwo\n \n\nthree\n");
        assert_eq!(read, [vec!["one".to_owned(), "two".to_owned()], vec!["three".to_owned()]]);
        assert!(paragraphs(" \n").is_empty());
    }
}
