# The first rule that holds, as a chain of `else`. Amounts are cents and addresses numbers: the fastest form here.
package bench

import rego.v1

default rule := "otherwise"

rule := "blocked-network" if { blocked_network }
else := "user-on-hold" if { input.user_id in {"usr_31", "usr_77", "usr_1024", "usr_2048"} }
else := "script" if { script }
else := "over-the-limit" if { at_least(5000000, 4500000) }
else := "payee-on-hold" if { input.payee in {"DE000000000000000000", "FR000000000000000000", "GB000000000000000000"} }
else := "unknown-bank" if { startswith(input.payee, "XX"); at_least(100000, 90000) }
else := "closed-country" if { input.country in {"KP", "IR", "SY"}; input.amount > 100 }
else := "old-app" if { input.platform in {"IOS", "ANDROID"}; contains(input.user_agent, "bank/1.") }
else := "nobody-to-ask" if { input.identifiers == 0; input.amount >= 200000 }
else := "throw-away-mail" if { throw_away_mail; at_least(20000, 18000) }
else := "large-without-phone" if { not "phone_number" in input.kinds; input.country == "US"; input.amount >= 500000 }
else := "large" if { at_least(1000000, 900000) }
else := "large-on-a-phone" if { input.platform in {"IOS", "ANDROID"}; input.amount >= 500000 }
else := "unusual-network" if { not usual_network; input.amount >= 300000 }
else := "savings" if { input.purpose in {"savings", "investment"}; input.amount >= 100000; input.amount <= 500000 }
else := "tell-tale" if { endswith(input.payee, "00"); input.amount == 99999 }
else := "gift" if { contains(input.purpose, "gift"); gift_amount }
else := "phones-only" if { input.phones == input.identifiers; input.identifiers > 0; input.currency == "USD"; input.amount >= 150000 }
else := "bot" if { endswith(input.user_agent, "bot"); input.identifiers < 2 }
else := "ordinary" if { input.currency in {"USD", "EUR"}; input.amount >= 50 }

at_least(usd, _) if { input.currency == "USD"; input.amount >= usd }
at_least(_, eur) if { input.currency == "EUR"; input.amount >= eur }

blocked_network if { input.ip >= 3325256704; input.ip <= 3325256959 }
blocked_network if { input.ip >= 3405803904; input.ip <= 3405804031 }

usual_network if { input.ip >= 3221225984; input.ip <= 3221226239 }
usual_network if { input.ip >= 167772160; input.ip <= 184549375 }
usual_network if { input.ip >= 2886729728; input.ip <= 2887778303 }

script if { startswith(input.user_agent, "curl/") }
script if { contains(input.user_agent, "python") }

throw_away_mail if { "mailinator.com" in input.domains }
throw_away_mail if { "yopmail.com" in input.domains }

gift_amount if { input.currency == "USD"; input.amount >= 10000; input.amount <= 100000 }
gift_amount if { input.currency == "EUR"; input.amount >= 9000; input.amount <= 90000 }
