use super::*;
use proptest::prelude::*;

fn signer() -> Signer {
    Signer::new("bastion/journal.db", [7; 32]).unwrap()
}

fn head(seq: u64) -> Head {
    Head { seq, hash: Digest([u8::try_from(seq % 251).unwrap(); 32]) }
}

/// Key and note of the documentation of Go's note package, made by another program than this.
#[test]
fn keys_and_signatures_are_those_of_others() {
    let secret = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    let public = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let signer: Signer = secret.parse().unwrap();
    assert_eq!((signer.secret(), signer.verifier().to_string()), (secret.to_owned(), public.to_owned()));
    let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    let line = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
    let note = Note {
        origin: "PeterNeumann".into(),
        head: Head::EMPTY,
        text: text.into(),
        signatures: vec![signature(line).unwrap()],
    };
    assert_eq!(note.signed(&[public.parse().unwrap()]), Signed::By("PeterNeumann+c74f20a3".into()));
    assert_eq!(note.to_string(), format!("{text}\n{line}\n"));
}

#[test]
fn a_checkpoint_is_these_lines() {
    let note = signer().sign(head(12));
    let text = note.to_string();
    assert!(text.starts_with(
        "bastion/journal.db\n12\nDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw=\n\n\u{2014} bastion/journal.db "
    ));
    assert_eq!(text.lines().count(), 5);
    assert_eq!(text.parse(), Ok(note.clone()));
    let known = [signer().verifier()];
    assert_eq!(note.signed(&known), Signed::By(format!("bastion/journal.db+{}", known[0].id())));
    assert_eq!(note.signed(&[]), Signed::Unknown);
    // Another key of the same name is another key.
    let other = Signer::new("bastion/journal.db", [8; 32]).unwrap();
    assert_eq!(note.signed(&[other.verifier()]), Signed::Unknown);
    // One who is known signed it, and it is not what that one signs for.
    let witness = Signer::new("witness.example/w1", [9; 32]).unwrap();
    let bytes = witness.key.sign(note.text.as_bytes()).to_bytes().to_vec();
    let id = key_id(&witness.name, &witness.key.verifying_key());
    let signatures = vec![Line { name: witness.name.clone(), id, bytes }];
    let by_witness = Note { signatures, ..note.clone() };
    assert_eq!(by_witness.signed(&[witness.verifier()]), Signed::Unknown);
    // What a witness adds is passed over.
    let with = format!("{text}\u{2014} witness.example/w1 {}\n", BASE64.encode([9; 80]));
    assert!(matches!(with.parse::<Note>().unwrap().signed(&known), Signed::By(_)));
}

#[test]
fn what_is_none_is_said_to_be_none() {
    let text = signer().sign(head(12)).to_string();
    for (from, to) in [
        ("\n12\n", "\n012\n"),
        ("\n12\n", "\n+12\n"),
        ("\n12\n", "\n"),
        ("\n\n", "\n"),
        ("DAwM", "DAw"),
        ("\u{2014} ", "- "),
        ("bastion", "bast\u{7}ion"),
        ("\u{2014} bastion", "\u{2014} bas+tion"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert!(changed.parse::<Note>().is_err(), "{changed}");
    }
    assert!(text.trim_end().parse::<Note>().is_err());
    for bad in
        ["", "a", "a+b", "a+c74f20a3+AA==", "a b+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"]
    {
        assert!(bad.parse::<Verifier>().is_err() && bad.parse::<Signer>().is_err(), "{bad}");
    }
    // Its parts are of one key.
    let (key, id) = (signer().verifier().to_string(), signer().verifier().id());
    for wrong in [key.replace(&id, "00000000"), key.replace("bastion", "another")] {
        assert!(wrong != key && wrong.parse::<Verifier>().is_err(), "{wrong}");
    }
    let said = signer().secret().parse::<Verifier>().unwrap_err().to_string();
    assert!(said.contains("stays where it is") && !said.contains("PRIVATE"), "{said}");
}

#[test]
fn a_file_of_them_ends_where_it_was_cut() {
    let notes: Vec<_> = (1..4).map(|seq| signer().sign(head(seq * 10))).collect();
    let text: String = notes.iter().map(|note| note.to_string() + "\n").collect();
    let all = kept(&text);
    assert_eq!(all.notes, notes.iter().cloned().map(Ok).collect::<Vec<_>>());
    assert_eq!(all.whole, text.len() - 1);
    // Without the empty lines between them it is read too, as a note that was copied alone is.
    let tight: String = notes.iter().map(ToString::to_string).collect();
    assert_eq!(kept(&tight).notes, all.notes);
    // Cut anywhere, nothing before the cut is lost and nothing is made of what is left of the last.
    for at in 0..text.len() {
        let Some(cut) = text.get(..at) else { continue };
        let left = kept(cut);
        assert!(left.notes.iter().all(Result::is_ok), "{cut}");
        assert!(cut.len() - left.whole < text.len() / 3 + 2);
        assert_eq!(left.notes, all.notes[..left.notes.len()]);
    }
    let middle = text.replacen("\n20\n", "\nx\n", 1);
    let left = kept(&middle);
    assert_eq!(left.notes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
}

proptest! {
    /// Whatever bit of it is flipped, it is no note any more, or not signed by the key that is known.
    #[test]
    fn no_bit_of_it_can_be_changed(seq in 1_u64..u64::MAX, bit in 0_usize..10_000) {
        let note = signer().sign(head(seq));
        let mut bytes = note.to_string().into_bytes();
        let bit = bit % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let read = String::from_utf8(bytes).ok().and_then(|text| text.parse::<Note>().ok());
        if let Some(read) = read {
            prop_assert!(!matches!(read.signed(&[signer().verifier()]), Signed::By(_)), "{read}");
        }
    }

    #[test]
    fn reading_anything_never_panics(text in "(?s).{0,200}|(\u{2014} |a|\n|1|=|\\+){0,60}") {
        let _ = (text.parse::<Note>(), text.parse::<Verifier>(), text.parse::<Signer>(), kept(&text));
    }
}
