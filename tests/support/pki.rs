//! Certificates made for one test with the `openssl` program.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A directory with authorities and what they signed.
pub struct Pki<'a>(pub &'a Path);

impl Pki<'_> {
    fn openssl(&self, args: &[&str]) {
        let mut command = Command::new("openssl");
        let done =
            command.args(args).current_dir(self.0).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(done.expect("openssl is installed").success(), "openssl {args:?}");
    }

    /// An authority; gives its certificate.
    pub fn authority(&self, name: &str) -> PathBuf {
        let (key, pem, subject) = (format!("{name}.key"), format!("{name}.pem"), format!("/CN={name}"));
        let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        self.openssl(&[&new[..], &["-days", "2", "-subj", &subject, "-keyout", &key, "-out", &pem]].concat());
        self.0.join(pem)
    }

    /// A certificate and its key, signed by an authority, for these names: `DNS:localhost,IP:127.0.0.1`.
    pub fn signed(&self, by: &str, subject: &str, names: &str) -> (PathBuf, PathBuf) {
        let (key, pem, asked) =
            (format!("{subject}-by-{by}.key"), format!("{subject}-by-{by}.pem"), "asked.csr");
        let cn = format!("/CN={subject}");
        let new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        self.openssl(&[&new[..], &["-subj", &cn, "-keyout", &key, "-out", asked]].concat());
        std::fs::write(self.0.join("names"), format!("subjectAltName={names}\n")).unwrap();
        let (ca, ca_key) = (format!("{by}.pem"), format!("{by}.key"));
        let sign = ["x509", "-req", "-in", asked, "-CA", &ca, "-CAkey", &ca_key, "-CAcreateserial"];
        self.openssl(&[&sign[..], &["-days", "2", "-extfile", "names", "-out", &pem]].concat());
        (self.0.join(pem), self.0.join(key))
    }
}
