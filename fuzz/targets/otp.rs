//! OTP messages of a peer that is who it says and sends what it likes.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use otls::Connection;
use otls::otp::{Channel, Context, Receipt, SignedDecision, Transaction};
use otls_fuzz::{NOW, WORLD, transfer};

thread_local! {
    static PAIR: RefCell<(Connection, Connection)> = RefCell::new(WORLD.pair());
}

fuzz_target!(|data: &[u8]| {
    PAIR.with_borrow_mut(|(client, server)| {
        carry(client, server, data);
        carry(server, client, data);
    });
    if let Ok(context) = Context::decode(data) {
        assert_eq!(context.encode(), data, "a context has one encoding");
        if let Ok(transaction) = Transaction::from_context(&context) {
            assert_eq!(transaction.context().unwrap(), context, "a transaction has one context");
            let _ = transaction.text("256345");
        }
    }
    if let Ok(receipt) = SignedDecision::decode(data) {
        assert_eq!(receipt.encode(), data, "a receipt has one encoding");
        assert!(receipt.verify(WORLD.customer.certificate()).is_err(), "nobody has signed it");
        let _ = receipt.text();
    }
    if let Ok(evidence) = Receipt::load(data) {
        assert_eq!(evidence.to_pem().as_bytes(), data, "evidence has one file");
        assert!(evidence.verify(&WORLD.trust()).is_err(), "no key of this process has signed it");
    }
});

/// A message that is refused ends nothing: the connection under it goes on.
fn carry(from: &mut Connection, to: &mut Connection, data: &[u8]) {
    let mut channel = Channel::new().with_free_text();
    from.seal(data).unwrap();
    while !from.pending().is_empty() {
        transfer(from, to).unwrap();
        while let Ok(Some(_)) = channel.receive(to, NOW) {}
        let mut rest = vec![0; to.available()];
        to.read(&mut rest);
    }
}
