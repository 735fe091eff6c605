//! Hashes that other programs made, all of `correct horse é`, verify and want to be replaced.
//!
//! Made with Django 5.2.19 (`make_password(password, hasher=…)` with its defaults), bcrypt 5.0.0 for Python
//! (`hashpw(…, gensalt(10, prefix=…))`), libxcrypt 4.4.33 (`crypt(3)` with a `$2y$` salt), passlib 1.7.4
//! (`pbkdf2_sha256.hash`, `scrypt.using(rounds=14).hash`), argon2-cffi 25.1.0 (`hash_secret`) and Werkzeug 3.1.9
//! (`generate_password_hash`). Three are others of these, with the prefixes of Spring Security and
//! Dovecot. The last four are in the forms of Spring Security's encoders, computed with Python's hashlib.

use token::Entropy;
use users::{Hasher, Password, PasswordHash, Verdict};

const PASSWORD: &str = "correct horse \u{e9}";

const HASHES: [&str; 26] = [
    "pbkdf2_sha256$1000000$8ulwitrBRzQf2YMFob1nmx$REv7XJLiDMyV3961y4Xgb6OhgA30ZjBoGfIHnB3JkRk=",
    "pbkdf2_sha256$1000000$seasaltseasalt$ta0T3onBYvlYURKH1NQoQL300SyhGdvKwu/Gpk/ZbCU=",
    "argon2$argon2id$v=19$m=102400,t=2,p=8$bmFscWMybDl2SldMRkhLTlliWG4xcg$k9mnZgMs6Pi5dhvrBYbTwEkvHS5jW0LOs3/9+5/8ViE",
    "bcrypt_sha256$$2b$12$b0IdHsqDMwEiFKg.Orq1Uu2gtHYF4nCi1wq.BDRfal8bPnhmSMyrK",
    "bcrypt$$2b$12$Wur20iBrUaPdMrbHTHETaOr2.LZY9LRYwYKSCtLe1WM/HUGUqWXcG",
    "scrypt$16384$RmPyicy3ApG0Fg7JZTxvJp$8$5$drX2AVful7HXB+17n8pYgUvmGdTDHMCfx3CnMaIU80Ve6684qHuLQXGBPseZVUb0t93Ri2yAi6eKJ+tpj/lcew==",
    "$2a$10$Lexd.ImKNSL.SAwBcJxub.etCOiGSBTuVpGUSn2/wwQieV3ueoQAC",
    "$2b$10$aHpxUP5O/pbAcFoCba6RPuZvcOVPLT8NsRNATSiK.gq3bsHuq645y",
    "$2y$05$Wur20iBrUaPdMrbHTHETaORLjn0HwagVdtXVcgXDgrJUOUpEfd09K",
    "$pbkdf2-sha256$29000$9n4vhfC.t3YOYcwZ4/zfGw$zjOpEcgHNMF9goUSxElbA9miSy0OAAC.ISwNxJkTuNw",
    "$scrypt$ln=14,r=8,p=1$6j3n3BtDSGktJaR07n0vJQ$0HLuVqE/a3c1w43GqITyKFPly361+B4a9QOLBzeVcjQ",
    "$argon2i$v=19$m=4096,t=3,p=2$m3Dos/cM5WN/Bru0hcPqmQ$F1pukpWz334g4gHlr4Zpc8X9JVPvHVInf4S2ivBjY8A",
    "$argon2d$v=19$m=4096,t=3,p=2$V0dpR1i1kxeOkGdZVmVFSw$2DtLl19jTEyAAj/wMxQh/6y9R8ZndvbSY6siVWl3re8",
    "$argon2id$v=19$m=4096,t=3,p=2$aZkQzdezWYNr7Ef5JbdNMg$p6VqXvYhL8d+kK710+tG9zNBeS3GeLBmWh8woHnvM88",
    "pbkdf2_sha1$1000000$z2yffe6e9VZIAIuQb0JSzZ$eck2dl5D5cPPBr6dRcY4NGWyQGg=",
    "scrypt:32768:8:1$yOS8iPD4jhK3D4MN$c069656d476b60a8e5c6b46bf9d367aa6d7c0424be65bbbded6e2b00920047e8dcd539082046aa2bf49660b2905314928249c2330f811e9c608830e5bed8e8c8",
    "pbkdf2:sha256:600000$lPt50GOj2VlGYcd0$1ccb1b77c0400dc8de37237cc75687202fd31b35c6e1609ed54be8c99b6504c4",
    "pbkdf2:sha1:1000$wNXAV0lCDqrYiobZ$4a047f4c2a7abb6dcf3599af08eb5eae373cded2",
    "pbkdf2:sha512:210000$ZoffpJXJq75imxMf$c7c3883ca98358671e9ff5b67b218255c2e9b3ea9772ed615494fb68fa6f16718571177399976364baac54748e59accca35f32729bed60acbcc756f45e50c2e6",
    "{bcrypt}$2a$10$Lexd.ImKNSL.SAwBcJxub.etCOiGSBTuVpGUSn2/wwQieV3ueoQAC",
    "{BLF-CRYPT}$2y$05$Wur20iBrUaPdMrbHTHETaORLjn0HwagVdtXVcgXDgrJUOUpEfd09K",
    "{argon2@SpringSecurity_v5_8}$argon2id$v=19$m=4096,t=3,p=2$aZkQzdezWYNr7Ef5JbdNMg$p6VqXvYhL8d+kK710+tG9zNBeS3GeLBmWh8woHnvM88",
    "{pbkdf2}ab1146a8458d4ce46568665a3b483602ae4317b158b1cd627383cb17572a768b18e3594d8d81a51f",
    "{pbkdf2@SpringSecurity_v5_8}fefe5120467e5d4ccff442dbb2fa86d2fa24fce11b556215b0c8d0910c8bc85eb2032c5b4b659d6e25277f23c5150978",
    "{scrypt}$e0801$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==$8PwIak8l6wkrTHQa8sQkrNN/TVl/+EEefD/rWIuKn/Y=",
    "{scrypt@SpringSecurity_v5_8}$100801$ZGVmZ2hpamtsbW5vcHFycw==$aCdlitftHw7kLqF7JnT3Hd0v3RxR0R4PD3XgZKv60uY=",
];

fn password(text: &str) -> Password {
    text.to_owned().try_into().unwrap()
}

fn verdict(text: &str, hash: &str) -> Verdict {
    Hasher::new().verify(&password(text), &hash.parse().unwrap()).unwrap()
}

#[test]
fn the_password_matches_and_others_do_not() {
    for text in HASHES {
        let hash: PasswordHash = text.parse().unwrap();
        assert_eq!(hash.expose(), text, "the text is kept");
        assert!(Hasher::new().needs_upgrade(&hash), "{text}");
        assert_eq!(verdict(PASSWORD, text), Verdict::Match, "{text}");
        assert_eq!(verdict("correct horse e\u{301}", text), Verdict::Match, "in NFC {text}");
        assert_eq!(verdict("correct horse e", text), Verdict::Mismatch, "{text}");
    }
}

/// From the tests of Spring Security's own encoder.
#[test]
fn a_hash_of_spring_security_itself_matches() {
    let of_spring = "{pbkdf2@SpringSecurity_v5_8}fefe5120467e5d4ccff442dbb2fa86d276262d97435c0c54e5eebced51ffd144fcb05eb53fea2677216c4f3250010006";
    assert_eq!(verdict("password", of_spring), Verdict::Match);
    assert_eq!(verdict("passwore", of_spring), Verdict::Mismatch);
}

#[test]
fn the_phc_string_of_pbkdf2_is_read_with_and_without_its_length() {
    let passlib = "$pbkdf2-sha256$29000$9n4vhfC.t3YOYcwZ4/zfGw$zjOpEcgHNMF9goUSxElbA9miSy0OAAC.ISwNxJkTuNw";
    for parameters in ["i=29000", "i=29000,l=32"] {
        let text = passlib.replace("29000", parameters).replace('.', "+");
        assert_eq!(verdict(PASSWORD, &text), Verdict::Match, "{text}");
    }
}

#[test]
fn a_strong_argon2id_hash_is_replaced_only_where_it_is_written_as_django_does() {
    let django = HASHES[2];
    assert!(Hasher::new().needs_upgrade(&django.parse().unwrap()));
    let phc = django.strip_prefix("argon2").unwrap();
    assert!(!Hasher::new().needs_upgrade(&phc.parse().unwrap()));
}

/// `hashpw(b"x" * 72, gensalt(5))`
#[test]
fn bcrypt_reads_72_bytes_and_what_replaces_it_all_of_them() {
    let hash = "$2b$05$pRSbTVIpFTIeWR0aDQzWVuuHFqzSDGuvouJqckjNobJ.CsHdobwX2";
    let longer = format!("{}y", "x".repeat(72));
    for (text, expected) in [
        ("x".repeat(72), Verdict::Match),
        (longer.clone(), Verdict::Match),
        ("x".repeat(71), Verdict::Mismatch),
        (format!("{}y", "x".repeat(71)), Verdict::Mismatch),
    ] {
        assert_eq!(verdict(&text, hash), expected, "{text}");
    }
    let upgraded = Hasher::new().hash(&password(&longer), Entropy([1; 16])).unwrap();
    assert_eq!(verdict(&longer, upgraded.expose()), Verdict::Match);
    assert_eq!(verdict(&"x".repeat(72), upgraded.expose()), Verdict::Mismatch);
}

/// `make_password("x" * 100, hasher="bcrypt_sha256")`
#[test]
fn bcrypt_of_sha256_reads_every_byte() {
    let hash = "bcrypt_sha256$$2b$12$VyNcWU0IWW9NSyrsMu4bv.H4p0Is4IuZaxnKjEuNZGepyfDStWiim";
    assert_eq!(verdict(&"x".repeat(100), hash), Verdict::Match);
    assert_eq!(verdict(&"x".repeat(99), hash), Verdict::Mismatch);
    assert_eq!(verdict(&format!("{}y", "x".repeat(99)), hash), Verdict::Mismatch);
}

#[test]
fn a_password_with_a_zero_byte_is_not_cut_there_for_bcrypt() {
    let hash = "$2y$05$Wur20iBrUaPdMrbHTHETaORLjn0HwagVdtXVcgXDgrJUOUpEfd09K";
    for tail in ["\0", "\0anything"] {
        assert_eq!(verdict(&format!("{PASSWORD}{tail}"), hash), Verdict::Mismatch, "{tail:?}");
    }
    // bcrypt repeats its key: this is the same one to it.
    assert_eq!(verdict(&format!("{PASSWORD}\0{PASSWORD}"), hash), Verdict::Mismatch);
}
