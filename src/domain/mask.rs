//! Masked forms of personal values: enough for a person to recognise, too little to use.

use std::net::IpAddr;

/// Masks an e-mail address or phone number; anything else keeps only its first character.
pub(crate) fn mask_identifier(value: &str) -> String {
    if value.contains('@') {
        mask_email(value)
    } else if value.starts_with('+') {
        mask_phone(value)
    } else {
        mask_rest(value)
    }
}

/// Keeps the first character and the domain: `u***@example.com`.
pub(crate) fn mask_email(value: &str) -> String {
    match value.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{domain}", mask_rest(local)),
        None => mask_rest(value),
    }
}

/// Keeps the first three and the last two characters of a number of eight or more: `+33***78`.
pub(crate) fn mask_phone(value: &str) -> String {
    let count = value.chars().count();
    if count < 8 {
        return mask_rest(value);
    }
    let head: String = value.chars().take(3).collect();
    let tail: String = value.chars().skip(count - 2).collect();
    format!("{head}***{tail}")
}

/// Keeps the network: `203.0.113.0/24`, `2001:db8:1::/48`.
pub(crate) fn mask_ip(ip: IpAddr) -> String {
    let prefix = if ip.is_ipv4() { 24 } else { 48 };
    ipnet::IpNet::new(ip, prefix).map_or_else(|_| "***".to_owned(), |net| net.trunc().to_string())
}

fn mask_rest(value: &str) -> String {
    value.chars().next().map_or_else(|| "***".to_owned(), |first| format!("{first}***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_keep_what_a_person_needs() {
        assert_eq!(mask_identifier("user@example.com"), "u***@example.com");
        assert_eq!(mask_identifier("+33612345678"), "+33***78");
        assert_eq!(mask_identifier("+3361"), "+***");
        assert_eq!(mask_identifier("someone"), "s***");
        assert_eq!(mask_identifier(""), "***");
        assert_eq!(mask_identifier("é@x"), "é***@x");
        assert_eq!(mask_ip("203.0.113.42".parse().expect("an address")), "203.0.113.0/24");
        assert_eq!(mask_ip("2001:db8:1:2::42".parse().expect("an address")), "2001:db8:1::/48");
    }
}
