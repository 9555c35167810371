//! Rotations over a real store: whatever is cut off where, everything opens, and the next start finishes it.

use super::*;
use leadwire_core::lane::Gate;
use leadwire_store::setup::{Change, Publisher, Rekeying, SealedSecrets};
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

const NOON: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const PLACES: [(&str, &str); 3] = [("contoso", "crm"), ("contoso", "flow"), ("fabrikam", "crm")];

struct World {
    folder: TempDir,
    store: Store,
    vault: Arc<Vault>,
}

impl World {
    /// Two publishers with three destinations.
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let vault = open(folder.path());
        let world = Self { folder, store, vault };
        for name in ["contoso", "fabrikam"] {
            let publisher = Publisher { id: publisher(name), title: String::new(), created_at: NOON };
            assert_eq!(world.store.add_publisher(publisher).await.expect("added"), Change::Made);
        }
        for (publisher, name) in PLACES {
            world.add(publisher, name).await;
        }
        world
    }

    async fn add(&self, owner: &str, name: &str) {
        let (vault, text) = (Arc::clone(&self.vault), secret(owner, name));
        let destination = Destination {
            publisher: publisher(owner),
            number: DestinationNo::new(0),
            name: name.to_owned(),
            kind: "https".to_owned(),
            settings: "{}".to_owned(),
            secrets: Vec::new(),
            settings_no: 1,
            pins_mappings: false,
            created_at: NOON,
            gate: Gate::Open,
        };
        let owner = publisher(owner);
        let seal = move |number, keys: &[PublisherKey]| vault.seal(&owner, number, keys, &text, NOON);
        let added = self.store.add_sealed_destination(destination, seal).await.expect("added");
        assert!(added.is_ok());
    }

    async fn setup(&self) -> Setup {
        self.store.setup().await.expect("the set-up")
    }

    /// Looks at every destination as a program would that is started now.
    async fn all_open(&self) {
        all_open(&open(self.folder.path()), &self.setup().await);
        all_open(&self.vault, &self.setup().await);
    }

    /// The publishers' keys, by owner and number.
    async fn numbers(&self) -> Vec<(String, u32)> {
        self.setup().await.publisher_keys.iter().map(|it| (it.publisher.to_string(), it.number)).collect()
    }

    fn keys_in_file(&self) -> Vec<String> {
        let keys = key_file::read(&key_file::in_folder(self.folder.path())).expect("keys").expect("a file");
        keys.ids().map(ToString::to_string).collect()
    }

    async fn needed(&self) -> BTreeSet<String> {
        self.setup().await.publisher_keys.into_iter().map(|it| it.master_key).collect()
    }

    /// Puts what the former format would have sealed in the place of what is there.
    async fn seal_as_before(&self) {
        let ring = self.vault.ring();
        let sealed = move |it: &SealedSecrets| {
            let place = envelope::former_place(Place::of(it));
            let text = secret(it.publisher.as_str(), &it.name);
            SealedSecrets { secrets: ring.current().key.seal(&place, text.expose().as_bytes()), ..it.clone() }
        };
        let back = move |keys: &[PublisherKey], secrets: &[SealedSecrets]| {
            let secrets = secrets.iter().map(&sealed).collect();
            (Rekeying { keys: Vec::new(), secrets, unused: keys.to_vec() }, ())
        };
        self.store.rekey(None, back).await.expect("stored");
    }
}

fn open(folder: &Path) -> Arc<Vault> {
    Arc::new(Vault::open(folder, None, None).expect("a vault"))
}

fn publisher(name: &str) -> PublisherId {
    PublisherId::parse(name).expect("a name")
}

fn secret(publisher: &str, name: &str) -> Opened {
    Secret::new(format!("hunter2 of {publisher} {name}").into())
}

#[track_caller]
fn all_open(vault: &Vault, setup: &Setup) {
    let opener = vault.opener(setup);
    assert_eq!(setup.destinations.len(), PLACES.len());
    for it in &setup.destinations {
        let opened =
            opener.open(it).unwrap_or_else(|reason| panic!("{} {}: {reason}", it.publisher, it.name));
        assert_eq!(opened, Some(secret(it.publisher.as_str(), &it.name)));
    }
}

#[tokio::test]
async fn a_master_rotation_can_be_cut_off_after_any_step() {
    for steps in 0..=3 {
        let world = World::new().await;
        let former = world.keys_in_file();
        if steps >= 1 {
            world.vault.add_master_key().expect("written");
            assert_eq!(world.keys_in_file()[1..], former, "the former key is kept behind the new one");
            world.all_open().await;
        }
        if steps >= 2 {
            let rotated = world.vault.rewrap(&world.store, NOON).await.expect("stored");
            assert_eq!((rotated.keys, rotated.destinations), (2, 0));
            world.all_open().await;
        }
        if steps >= 3 {
            world.vault.drop_former(&world.setup().await, &[]).expect("written");
            world.all_open().await;
        }
        // The next start finishes it, and the one after finds nothing to do.
        for _ in 0..2 {
            let started = open(world.folder.path());
            started.finish_rotation(&world.store, NOON).await.expect("finished");
            all_open(&started, &world.setup().await);
            assert_eq!(world.keys_in_file().len(), 1, "cut off after {steps}");
            assert_eq!(world.needed().await, world.keys_in_file().into_iter().collect());
        }
        assert_eq!(world.keys_in_file() == former, steps == 0);
    }
}

#[tokio::test]
async fn a_master_rotation_wraps_the_keys_anew_and_leaves_the_secrets_as_they_are() {
    let world = World::new().await;
    let (before, former) = (world.setup().await, world.keys_in_file());
    let rotated = world.vault.rotate_master(&world.store, NOON, async { Ok(()) }).await.expect("rotated");
    assert_eq!((rotated.keys, rotated.destinations, rotated.unopened), (2, 0, Vec::new()));
    let after = world.setup().await;
    for (before, after) in before.destinations.iter().zip(&after.destinations) {
        assert_eq!(before.secrets, after.secrets);
    }
    assert!(!world.keys_in_file().contains(&former[0]));
    world.all_open().await;
    // The former key opens nothing any more.
    let file = key_file::in_folder(world.folder.path());
    let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(open(world.folder.path()).standing(&after).unopened.len(), PLACES.len());
}

#[tokio::test]
async fn the_former_master_key_stays_until_the_changed_set_up_is_in_force() {
    let world = World::new().await;
    let former = world.keys_in_file()[0].clone();
    let looks = async {
        assert_eq!(world.keys_in_file().len(), 2);
        assert!(world.keys_in_file().contains(&former));
        Ok(())
    };
    world.vault.rotate_master(&world.store, NOON, looks).await.expect("rotated");
    assert!(!world.keys_in_file().contains(&former));
}

#[tokio::test]
async fn a_refresh_that_fails_leaves_both_master_keys_for_the_next_start() {
    let world = World::new().await;
    let failed = world.vault.rotate_master(&world.store, NOON, async { Err(StoreError::Busy) }).await;
    assert!(failed.is_err());
    assert_eq!(world.keys_in_file().len(), 2);
    world.all_open().await;
}

#[tokio::test]
async fn a_key_file_that_cannot_be_written_stops_a_rotation_before_it_changed_anything() {
    let world = World::new().await;
    let file = key_file::in_folder(world.folder.path());
    let before = (world.keys_in_file(), world.needed().await);
    std::fs::create_dir(key_file::beside(&file)).expect("in the way");
    assert!(world.vault.rotate_master(&world.store, NOON, async { Ok(()) }).await.is_err());
    assert_eq!((world.keys_in_file(), world.needed().await), before);
    world.all_open().await;
    world.vault.rotate_publishers(&world.store, None, NOON).await.expect("rotated");
    world.all_open().await;
}

#[tokio::test]
async fn half_a_key_file_from_a_crash_is_passed_over() {
    let world = World::new().await;
    std::fs::write(key_file::beside(&key_file::in_folder(world.folder.path())), "0707").expect("written");
    world.all_open().await;
    world.vault.rotate_master(&world.store, NOON, async { Ok(()) }).await.expect("rotated");
    world.all_open().await;
}

#[tokio::test]
async fn a_publishers_rotation_seals_its_secrets_anew_and_touches_nobody_else() {
    let world = World::new().await;
    let before = world.setup().await;
    for turn in 2..5 {
        let whose = Some(publisher("contoso"));
        let rotated = world.vault.rotate_publishers(&world.store, whose, NOON).await.expect("rotated");
        assert_eq!((rotated.keys, rotated.destinations, rotated.unopened), (1, 2, Vec::new()));
        assert_eq!(world.numbers().await, [("contoso".to_owned(), turn), ("fabrikam".to_owned(), 1)]);
        world.all_open().await;
    }
    let after = world.setup().await;
    let same = before.destinations.iter().zip(&after.destinations).map(|(a, b)| a.secrets == b.secrets);
    assert_eq!(same.collect::<Vec<_>>(), [false, false, true]);
    world.vault.rotate_publishers(&world.store, None, NOON).await.expect("rotated");
    assert_eq!(world.numbers().await, [("contoso".to_owned(), 5), ("fabrikam".to_owned(), 2)]);
    world.all_open().await;
}

#[tokio::test]
async fn what_the_former_format_sealed_is_sealed_anew_by_either_rotation() {
    for master in [true, false] {
        let world = World::new().await;
        world.seal_as_before().await;
        world.all_open().await;
        assert_eq!(world.vault.standing(&world.setup().await).former_format, PLACES.len());
        let rotated = if master {
            world.vault.rotate_master(&world.store, NOON, async { Ok(()) }).await.expect("rotated")
        } else {
            world.vault.rotate_publishers(&world.store, None, NOON).await.expect("rotated")
        };
        assert_eq!((rotated.keys, rotated.destinations), (2, PLACES.len()));
        assert_eq!(world.vault.standing(&world.setup().await).former_format, 0);
        world.all_open().await;
    }
}

#[tokio::test]
async fn a_lost_master_key_takes_only_what_it_guards_and_a_rotation_keeps_that_for_its_return() {
    let mut world = World::new().await;
    let file = key_file::in_folder(world.folder.path());
    let lost = std::fs::read_to_string(&file).expect("a file");
    std::fs::remove_file(&file).expect("removed");
    world.vault = open(world.folder.path());
    let standing = world.vault.standing(&world.setup().await);
    assert_eq!((standing.unopened.len(), standing.missing.len()), (3, 1));
    world.add("contoso", "new").await;
    for _ in 0..2 {
        let rotated = world.vault.rotate_publishers(&world.store, None, NOON).await.expect("rotated");
        assert_eq!((rotated.destinations, rotated.unopened.len()), (1, 3));
        world.vault.rotate_master(&world.store, NOON, async { Ok(()) }).await.expect("rotated");
    }
    // Put back behind the one in use, it opens what it guarded, and is not needed after the start.
    let both = format!("{}{lost}", std::fs::read_to_string(&file).expect("a file"));
    std::fs::write(&file, both).expect("written");
    let vault = open(world.folder.path());
    vault.finish_rotation(&world.store, NOON).await.expect("finished");
    let standing = vault.standing(&world.setup().await);
    assert_eq!((standing.unopened, standing.missing, standing.here.len()), (Vec::new(), Vec::new(), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_seals_during_rotations_seals_what_opens_afterwards() {
    let world = World::new().await;
    let destinations = world.setup().await.destinations;
    let (store, vault) = (world.store.clone(), Arc::clone(&world.vault));
    let writing = tokio::spawn(async move {
        for destination in destinations.iter().cycle().take(60).cloned() {
            let (vault, owner) = (Arc::clone(&vault), destination.publisher.clone());
            let text = secret(owner.as_str(), &destination.name);
            let seal = move |number, keys: &[PublisherKey]| vault.seal(&owner, number, keys, &text, NOON);
            let changed = store.update_destination(destination, seal).await.expect("stored");
            assert_eq!(changed, Change::Made);
        }
    });
    for _ in 0..10 {
        world.vault.rotate_master(&world.store, NOON, async { Ok(()) }).await.expect("rotated");
        world.vault.rotate_publishers(&world.store, None, NOON).await.expect("rotated");
    }
    writing.await.expect("no panic");
    world.all_open().await;
    assert_eq!(world.numbers().await.len(), 2);
}

#[tokio::test]
async fn two_rotations_of_the_master_key_at_once_are_one_after_the_other() {
    let world = World::new().await;
    let rotate = || world.vault.rotate_master(&world.store, NOON, async { Ok(()) });
    let (one, two) = tokio::join!(rotate(), rotate());
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(world.keys_in_file().len(), 1);
    world.all_open().await;
}

#[tokio::test]
async fn a_set_up_that_was_read_before_a_rotation_opens_for_as_long_as_it_is_held() {
    let world = World::new().await;
    let before = world.setup().await;
    let opener = world.vault.opener(&before);
    world.vault.rotate_publishers(&world.store, None, NOON).await.expect("rotated");
    world.vault.rotate_master(&world.store, NOON, async { Ok(()) }).await.expect("rotated");
    assert!(before.destinations.iter().all(|it| opener.open(it).is_ok()));
    assert!(before.destinations.iter().all(|it| world.vault.opener(&before).open(it).is_err()));
}

#[tokio::test]
async fn a_former_key_stays_in_the_file_for_as_long_as_a_row_of_the_store_names_it() {
    let world = World::new().await;
    let (before, former) = (world.setup().await, world.keys_in_file()[0].clone());
    let put = async |rows: Vec<PublisherKey>| {
        let rekeying = Rekeying { keys: rows, ..Rekeying::default() };
        world.store.rekey(None, move |_, _| (rekeying.clone(), ())).await.expect("stored");
    };
    let damaged = PublisherKey { wrapped: vec![1; 61], ..before.publisher_keys[0].clone() };
    put(vec![damaged]).await;
    let rotated = world.vault.rotate_master(&world.store, NOON, async { Ok(()) }).await.expect("rotated");
    assert_eq!((rotated.keys, rotated.unopened.len()), (1, 2));
    assert_eq!(world.keys_in_file()[1..], [former]);
    // The row comes back from a backup.
    put(vec![before.publisher_keys[0].clone()]).await;
    world.all_open().await;
    world.vault.finish_rotation(&world.store, NOON).await.expect("finished");
    assert_eq!(world.keys_in_file().len(), 1);
    world.all_open().await;
}

#[tokio::test]
async fn a_key_that_was_put_back_into_the_file_is_not_written_over() {
    let mut world = World::new().await;
    let file = key_file::in_folder(world.folder.path());
    let lost = std::fs::read_to_string(&file).expect("a file");
    std::fs::remove_file(&file).expect("removed");
    world.vault = open(world.folder.path());
    let both = format!("{}{lost}", std::fs::read_to_string(&file).expect("a file"));
    std::fs::write(&file, both).expect("written");
    world.vault.rotate_master(&world.store, NOON, async { Ok(()) }).await.expect("rotated");
    assert_eq!(world.keys_in_file().len(), 1);
    world.all_open().await;
}

#[tokio::test]
async fn a_key_from_a_setting_takes_over_from_the_data_folders_file() {
    let world = World::new().await;
    let setting = Secret::new("0b".repeat(32));
    let started = Vault::open(world.folder.path(), Some(&setting), None).map(Arc::new).expect("a vault");
    all_open(&started, &world.setup().await);
    started.finish_rotation(&world.store, NOON).await.expect("finished");
    assert_eq!(world.needed().await.len(), 1);
    assert!(started.rotate_master(&world.store, NOON, async { Ok(()) }).await.is_err());
    // The file is of no use any more.
    std::fs::remove_file(key_file::in_folder(world.folder.path())).expect("removed");
    let started = Vault::open(world.folder.path(), Some(&setting), None).expect("a vault");
    all_open(&started, &world.setup().await);
    assert!(!key_file::in_folder(world.folder.path()).exists());
}

#[tokio::test]
async fn a_new_key_in_front_of_the_one_in_a_setting_is_a_rotation() {
    let (folder, other) = (tempfile::tempdir().expect("a folder"), World::new().await);
    let (old, new) = ("0b".repeat(32), "0c".repeat(32));
    // From the data folder's file to the old key, from there to both, and from there to the new one alone.
    std::fs::rename(key_file::in_folder(other.folder.path()), folder.path().join("elsewhere"))
        .expect("moved");
    let first = std::fs::read_to_string(folder.path().join("elsewhere")).expect("a file");
    for told in [format!("{old},{first}"), format!("{new}, {old}"), new] {
        let vault = Vault::open(other.folder.path(), Some(&Secret::new(told)), None).map(Arc::new);
        let vault = vault.expect("a vault");
        vault.finish_rotation(&other.store, NOON).await.expect("finished");
        all_open(&vault, &other.setup().await);
    }
}

#[tokio::test]
async fn a_key_file_of_ones_own_is_rotated_in_its_place_and_never_made() {
    let world = World::new().await;
    let named = world.folder.path().join("master");
    let Err(error) = Vault::open(world.folder.path(), None, Some(&named)) else { panic!("it was made") };
    assert!(error.to_string().contains("does not exist"), "{error}");
    std::fs::rename(key_file::in_folder(world.folder.path()), &named).expect("moved");
    let link = world.folder.path().join("link");
    std::os::unix::fs::symlink(&named, &link).expect("a link");
    let vault = Vault::open(world.folder.path(), None, Some(&link)).map(Arc::new).expect("a vault");
    let before = std::fs::read(&named).expect("a file");
    vault.rotate_master(&world.store, NOON, async { Ok(()) }).await.expect("rotated");
    assert_ne!(std::fs::read(&named).expect("a file"), before);
    assert!(std::fs::symlink_metadata(&link).expect("a link").is_symlink());
    let started = Vault::open(world.folder.path(), None, Some(&link)).expect("a vault");
    all_open(&started, &world.setup().await);
    assert!(!key_file::in_folder(world.folder.path()).exists());
}

#[test]
fn two_places_for_the_master_key_are_one_too_many() {
    let folder = tempfile::tempdir().expect("a folder");
    let setting = Secret::new("0b".repeat(32));
    let both = Vault::open(folder.path(), Some(&setting), Some(Path::new("/no/such/file")));
    assert!(both.is_err_and(|it| it.to_string().contains("both set")));
    let bad = Vault::open(folder.path(), Some(&Secret::new("hunter2".to_owned())), None);
    assert!(bad.is_err_and(|it| !format!("{it:#}").contains("hunter2")));
}
