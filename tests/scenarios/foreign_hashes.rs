//! Users who came with the hashes of another program, and log in.

use harness::{LOGIN_AT, World, at};
use users::{Assurance, IfDifferent, Status, UserRecord};

const PASSWORD: &str = "correct horse \u{e9}";

/// One of each kind, made with the programs that `shared/users/tests/users/foreign_hashes.rs` names.
const HASHES: [&str; 10] = [
    "pbkdf2_sha256$1000000$8ulwitrBRzQf2YMFob1nmx$REv7XJLiDMyV3961y4Xgb6OhgA30ZjBoGfIHnB3JkRk=",
    "argon2$argon2id$v=19$m=102400,t=2,p=8$bmFscWMybDl2SldMRkhLTlliWG4xcg$k9mnZgMs6Pi5dhvrBYbTwEkvHS5jW0LOs3/9+5/8ViE",
    "pbkdf2_sha1$1000000$z2yffe6e9VZIAIuQb0JSzZ$eck2dl5D5cPPBr6dRcY4NGWyQGg=",
    "{bcrypt}$2b$10$aHpxUP5O/pbAcFoCba6RPuZvcOVPLT8NsRNATSiK.gq3bsHuq645y",
    "bcrypt_sha256$$2b$12$b0IdHsqDMwEiFKg.Orq1Uu2gtHYF4nCi1wq.BDRfal8bPnhmSMyrK",
    "scrypt$16384$RmPyicy3ApG0Fg7JZTxvJp$8$5$drX2AVful7HXB+17n8pYgUvmGdTDHMCfx3CnMaIU80Ve6684qHuLQXGBPseZVUb0t93Ri2yAi6eKJ+tpj/lcew==",
    "$2b$10$aHpxUP5O/pbAcFoCba6RPuZvcOVPLT8NsRNATSiK.gq3bsHuq645y",
    "$pbkdf2-sha256$29000$9n4vhfC.t3YOYcwZ4/zfGw$zjOpEcgHNMF9goUSxElbA9miSy0OAAC.ISwNxJkTuNw",
    "$scrypt$ln=14,r=8,p=1$6j3n3BtDSGktJaR07n0vJQ$0HLuVqE/a3c1w43GqITyKFPly361+B4a9QOLBzeVcjQ",
    "$argon2i$v=19$m=4096,t=3,p=2$m3Dos/cM5WN/Bru0hcPqmQ$F1pukpWz334g4gHlr4Zpc8X9JVPvHVInf4S2ivBjY8A",
];

async fn import(world: &World, hash: &str) {
    let record = UserRecord {
        username: "ada".parse().unwrap(),
        id: None,
        origin: None,
        password_hash: Some(hash.parse().unwrap()),
        claims: r#"{"role":"admin"}"#.parse().unwrap(),
        status: Status::Enabled,
        created_at: None,
        email: None,
        locale: None,
    };
    let id = token::UserId::new(edge::random::entropy().unwrap());
    world.users.import(&record, Assurance::Record, IfDifferent::Reject, id, at(LOGIN_AT)).await.unwrap();
}

async fn stored(world: &World) -> String {
    let user = world.users.find(&"ada".parse().unwrap()).await.unwrap().unwrap();
    user.password_hash.unwrap().expose().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_login_replaces_the_hash_in_the_one_write_that_opens_the_session() {
    for hash in HASHES {
        let world = World::new().await;
        import(&world, hash).await;
        for wrong in ["correct horse e", "wrong"] {
            assert_eq!(world.log_in("ada", wrong, LOGIN_AT).await.code(), "invalid_credentials", "{hash}");
        }
        assert_eq!(stored(&world).await, hash, "a wrong password changes nothing");
        world.users.clear_attempts(&"ada".parse().unwrap()).await.unwrap();

        world.operations();
        let reply = world.log_in("Ada", PASSWORD, LOGIN_AT).await;
        assert_eq!(reply.status, 200, "{hash}");
        assert_eq!(world.operations(), ["BatchGetItem", "UpdateItem"], "{hash}");
        let upgraded = stored(&world).await;
        assert!(upgraded.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash} became {upgraded}");

        assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT).await.status, 200, "{hash}");
        assert_eq!(stored(&world).await, upgraded, "once is enough");
        assert_eq!(world.log_in("ada", "wrong", LOGIN_AT).await.code(), "invalid_credentials", "{hash}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_first_logins_all_succeed_and_leave_one_hash() {
    let world = std::sync::Arc::new(World::new().await);
    import(&world, HASHES[6]).await;
    let mut logins = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let world = std::sync::Arc::clone(&world);
        logins.spawn(async move { world.log_in("ada", PASSWORD, LOGIN_AT).await.status });
    }
    assert_eq!(logins.join_all().await, [200; 8]);
    assert!(stored(&world).await.starts_with("$argon2id$"));
}
