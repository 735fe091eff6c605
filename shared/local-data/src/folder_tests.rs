use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
};

use tempfile::TempDir;
use token::Timestamp;

use super::*;
use crate::Store;

fn now() -> Timestamp {
    Timestamp::from_seconds(1_685_728_800).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_new_folder_and_everything_in_it_are_their_owner_s_alone() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("a/b");
    let folder = DataFolder::create(&path).unwrap();
    let _store = Store::open(&path).await.unwrap();
    signing_key::file_in(&path, now()).unwrap();
    assert_eq!((mode(&parent.path().join("a")), mode(&path)), (0o700, 0o700));
    let files: Vec<_> = fs::read_dir(&path).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    assert!(folder.tightened().is_empty());
}

#[test]
fn what_was_open_to_others_is_closed_and_named() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("data");
    DataFolder::create(&path).unwrap();
    let key = signing_key::file_in(&path, now()).unwrap();
    fs::write(path.join(HTTPS_AUTHORITY_FILE_NAME), "").unwrap();
    set_mode(&path.join(HTTPS_AUTHORITY_FILE_NAME), 0o600);
    set_mode(&key, 0o644);
    set_mode(&path, 0o777);
    let folder = DataFolder::create(&path).unwrap();
    assert_eq!(folder.tightened(), [path.clone(), key.clone()]);
    assert_eq!((mode(&path), mode(&key)), (0o700, 0o600));
    assert!(DataFolder::open(&path).unwrap().tightened().is_empty());
}

#[test]
fn a_folder_of_others_files_too_is_left_as_it_is() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("project");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("main.rs"), "").unwrap();
    set_mode(&path, 0o755);
    let error = DataFolder::create(&path).unwrap_err();
    assert!(matches!(error, FolderError::Shared(_)), "{error}");
    assert_eq!(mode(&path), 0o755);
    // Empty, and meant for everybody.
    let temporary = parent.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    set_mode(&temporary, 0o1777);
    let error = DataFolder::create(&temporary).unwrap_err();
    assert!(matches!(error, FolderError::Shared(_)), "{error}");
    // Closed, it is nobody else's business what is in it.
    set_mode(&path, 0o700);
    DataFolder::create(&path).unwrap();
}

#[tokio::test]
async fn no_link_is_followed() {
    let parent = TempDir::new().unwrap();
    let elsewhere = parent.path().join("elsewhere");
    DataFolder::create(&elsewhere).unwrap();
    let key = signing_key::file_in(&elsewhere, now()).unwrap();
    let of_key = fs::read(&key).unwrap();

    let linked = parent.path().join("linked");
    symlink(&elsewhere, &linked).unwrap();
    for path in [linked.clone(), PathBuf::from(format!("{}/", linked.display()))] {
        for error in [DataFolder::create(&path).unwrap_err(), DataFolder::open(&path).unwrap_err()] {
            assert!(matches!(error, FolderError::Link(_)), "{error}");
        }
        assert!(Store::open(&path).await.is_err());
        assert!(signing_key::read(&path).is_err());
    }

    for name in store::FILES.into_iter().chain([store::OPENING, signing_key::FILE_NAME]) {
        let folder = TempDir::new().unwrap();
        let target = folder.path().join("target");
        for dangling in [true, false] {
            let _gone = fs::remove_file(folder.path().join(name));
            if !dangling {
                fs::write(&target, "of somebody else").unwrap();
            }
            symlink(&target, folder.path().join(name)).unwrap();
            assert!(Store::open(folder.path()).await.is_err(), "{name}");
            let made = signing_key::file_in(folder.path(), now()).unwrap_err();
            assert!(made.to_string().contains("is a link"), "{made}");
            let replaced = signing_key::replace_secret(folder.path(), "another").unwrap_err();
            assert!(replaced.to_string().contains("is a link"), "{replaced}");
            assert_eq!(target.exists(), !dangling);
        }
        assert_eq!(fs::read_to_string(&target).unwrap(), "of somebody else");
    }

    let folder = TempDir::new().unwrap();
    fs::hard_link(&key, folder.path().join(signing_key::FILE_NAME)).unwrap();
    let error = DataFolder::open(folder.path()).unwrap_err();
    assert!(matches!(error, FolderError::Link(_)), "{error}");
    assert_eq!(fs::read(&key).unwrap(), of_key);
}

#[test]
fn what_belongs_to_another_account_is_not_used() {
    // Root gives a folder away; anybody else looks at one of root's.
    let given = TempDir::new().unwrap();
    let is_root = chown(given.path(), Some(65_534), None).is_ok();
    let path = if is_root { given.path() } else { Path::new("/usr") };
    let error = DataFolder::open(path).unwrap_err();
    assert!(matches!(error, FolderError::ForeignOwner(_)), "{error}");
}

#[test]
fn what_is_no_folder_or_no_file_is_said() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let error = DataFolder::create(&file).unwrap_err();
    assert!(error.to_string().ends_with("is not a folder"), "{error}");
    let error = DataFolder::create(&file.join("below")).unwrap_err();
    assert!(matches!(error, FolderError::Io { .. }), "{error}");
    let error = DataFolder::open(&parent.path().join("missing")).unwrap_err();
    assert!(matches!(error, FolderError::Io { .. }), "{error}");
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join(signing_key::FILE_NAME)).unwrap();
    let error = DataFolder::open(folder.path()).unwrap_err();
    assert!(error.to_string().ends_with("is not a file"), "{error}");
}

#[test]
fn of_many_that_make_a_key_at_once_one_does_and_all_use_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let keys: Vec<_> = std::thread::scope(|scope| {
        let making: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| fs::read(signing_key::file_in(path, now()).unwrap()).unwrap()))
            .collect();
        making.into_iter().map(|made| made.join().unwrap()).collect()
    });
    let (first, others) = keys.split_first().unwrap();
    assert!(others.iter().all(|key| key == first));
    // Nothing is left of the others.
    assert_eq!(fs::read_dir(path).unwrap().count(), 1);
}

#[test]
fn of_many_that_replace_a_key_at_once_one_is_there_and_whole() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    signing_key::file_in(path, now()).unwrap();
    let secrets: Vec<String> = (0..8).map(|number| number.to_string().repeat(40_000)).collect();
    std::thread::scope(|scope| {
        for secret in &secrets {
            scope.spawn(|| signing_key::replace_secret(path, secret).unwrap());
        }
    });
    assert!(secrets.contains(&signing_key::read(path).unwrap()));
    assert_eq!(mode(&path.join(signing_key::FILE_NAME)), 0o600);
    assert_eq!(fs::read_dir(path).unwrap().count(), 1);
}

#[test]
fn what_is_forgotten_is_ours_alone() {
    let folder = TempDir::new().unwrap();
    signing_key::file_in(folder.path(), now()).unwrap();
    fs::write(folder.path().join("notes.txt"), "").unwrap();
    DataFolder::open(folder.path()).unwrap().forget().unwrap();
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["notes.txt"]);
}
