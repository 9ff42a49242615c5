//! Servers as people name them to `otls connect`.

use crate::network::{CUSTOMER, Folder, Server, otls};

#[test]
fn a_server_is_named_as_people_write_it_or_refused_with_what_to_write() {
    let folder = Folder::new();
    folder.run("key new --type p256 --out local.key");
    folder.run(
        "csr new --key local.key --name local --san localhost --san a_b.localhost --san ::1 --out local.csr",
    );
    folder.run("ca sign local.csr --profile server --out local.pem");
    let server = Server::start(&folder, "--cert local.pem --key local.key --root CA/cert.pem");
    let port = server.address.port();
    for address in [format!("localhost:{port}"), format!("localhost.:{port}"), format!("LOCALHOST:{port}")] {
        folder.run(&format!("connect {address} {CUSTOMER} --send request"));
    }
    folder.run(&format!("connect 127.0.0.1:{port} {CUSTOMER} --send request --name a_b.localhost."));
    for (address, why) in [
        ("localhost", "no port (write it as"),
        ("localhost:", "\"\" is no port"),
        ("localhost:https", "\"https\" is no port"),
        ("localhost:70000", "\"70000\" is no port"),
        ("localhost:+443", "\"+443\" is no port"),
        ("localhost:0", "\"0\" is no port"),
        ("::1:443", "an IPv6 address without brackets"),
        ("[::1]", "no port"),
        ("[localhost]:443", "no IPv6 address in its brackets"),
        ("https://localhost:443/", "a URL (write its host and port alone"),
        ("asha@localhost:443", "write the host alone, \"localhost\""),
        ("b\u{fc}cher.example:443", "A-labels"),
        ("fe80::1%eth0", "without brackets (write it as [::1]:4433"),
        (":443", "it is empty"),
    ] {
        let (code, said) = folder.fails(&format!("connect {address} {CUSTOMER}"));
        assert!(code == 2 && said.contains(why) && !said.contains("--name"), "{address}: {code} {said}");
    }
    let mut blank = otls(folder.path(), &format!("connect {CUSTOMER}"));
    let output = blank.arg(" localhost:443").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(2) && said.contains("blanks around it (write localhost:443)"),
        "{said}"
    );
    for (name, why) in [
        ("[::1]", "without brackets and port: \"::1\""),
        ("localhost:443", "a port is no part of a name: write \"localhost\""),
        ("fe80::1%eth0", "write \"fe80::1\""),
        ("http://localhost/", "write its host, \"localhost\""),
        ("asha@localhost", "write the host alone, \"localhost\""),
        ("*.bank.example", "write the name of one"),
        ("email:asha@localhost", "is no server"),
    ] {
        let (code, said) = folder.fails(&format!("connect 127.0.0.1:{port} {CUSTOMER} --name {name}"));
        assert!(code == 4 && said.contains(why), "{name}: {code} {said}");
    }
    // A zone is for this machine: the certificate is for the address.
    let server = Server::start(&folder, "--bind [::1]:0 --cert local.pem --key local.key --root CA/cert.pem");
    let port = server.address.port();
    folder.run(&format!("connect [::1%1]:{port} {CUSTOMER} --send request"));
}
