# What listing pages say in English. Every language has the same messages with the same variables.
skip = Skip to the content
language = Language
preview-banner = Preview. Only people with this link see this page, and what is sent from here is marked as a test.
about = About this offer
pictures = Pictures
choose = What would you like to do?
back = Back to { $title }
privacy = Privacy statement
optional = optional

test_drive = Test drive
get_it_now = Get it now
contact_me = Contact me
purchase = Purchase
test_drive-hint = Try it before you decide.
get_it_now-hint = Start using it right away.
contact_me-hint = Ask a question, or ask to be called.
purchase-hint = Order it.

form-intro = Tell { $publisher } who you are. Fields marked “optional” may stay empty.
first_name = First name
last_name = Last name
email = Work e-mail
phone = Phone
company = Company
title = Job title
country = Country
country-choose = Choose a country
notes = Your message
notes-hint = What would you like to know?
consent = Consent
agree = I have read this and I agree
send-test_drive = Start the test drive
send-get_it_now = Get it now
send-contact_me = Send
send-purchase = Continue with the purchase
homepage = Leave this field empty

error-title = Error: { $title }
errors-heading = { $count ->
    [one] One thing needs your attention
   *[other] { $count } things need your attention
}
missing = Please fill this in: { $field }
missing-country = Please choose your country
missing-consent = Without your consent your details cannot be passed on. Please tick the box if you agree
too-long = { $field }: please use at most { $max } characters
not-an-email = This does not look like an e-mail address. It should be like name@example.com
not-a-phone = This does not look like a phone number. It should be like +44 20 7946 0018
not-a-country = Please choose a country from the list

renewed = This form was open for a long time. What you typed is still here: please check it and send it again.
changed = The consent text changed while you were filling in the form. Please read it again.
confirm = Please check what you entered, read the consent text, and send it.
too-fast = That was sent faster than people usually can, so nothing was stored. If you are a person, please press the button once more.
trapped = A field was filled in that people cannot see, so nothing was stored. It is empty again: if you are a person, please press the button once more.
slow-down = Too many forms came from your network just now, so nothing was stored. Please wait { $seconds ->
    [one] a second
   *[other] { $seconds } seconds
} and press the button again.
try-again = We could not store your details just now. What you typed is still here: please try again in a minute.

thanks-title = Thank you
thanks-test_drive = Your request for a test drive has reached { $publisher }.
thanks-get_it_now = Your request has reached { $publisher }.
thanks-contact_me = Your message has reached { $publisher }. They will get in touch with you.
thanks-purchase = Your order request has reached { $publisher }.
thanks-next = Continue
thanks-preview = This was a preview: it is marked as a test.

missing-title = This page is not here
missing-text = The address may be mistyped, or the offer may not be published.
busy-title = Please wait a moment
busy-text = Too many requests came from your network. Try again in a little while.
wrong-title = This did not work
wrong-text = Something went wrong on our side, and nothing was stored. Please try again in a minute.
large-text = What was sent is too large, and nothing was stored. Please shorten your message.

stop-title = No more messages?
stop-text = Press the button, and { $publisher } writes to you no more and tells its people that you do not want to be contacted.
stop-send = I want no more messages
stopped-title = That is settled
stopped-text = { $publisher } will not contact you any more. You need not do anything else.
