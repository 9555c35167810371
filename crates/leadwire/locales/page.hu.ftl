# Amit az ajánlatok oldalai magyarul mondanak.
skip = Ugrás a tartalomra
language = Nyelv
preview-banner = Előnézet. Csak az látja ezt az oldalt, akinek megvan ez a hivatkozás, és ami innen érkezik, tesztnek számít.
about = Az ajánlatról
pictures = Képek
choose = Mit szeretne tenni?
back = Vissza ide: { $title }
privacy = Adatvédelmi tájékoztató
optional = nem kötelező

test_drive = Kipróbálom
get_it_now = Kérem most
contact_me = Keressenek meg
purchase = Megvásárolom
test_drive-hint = Próbálja ki, mielőtt dönt.
get_it_now-hint = Kezdje el használni rögtön.
contact_me-hint = Kérdezzen, vagy kérjen visszahívást.
purchase-hint = Rendelje meg.

form-intro = Írja meg, kicsoda Ön, hogy válaszolhassanak. Címzett: { $publisher }. A „nem kötelező” mezők üresen maradhatnak.
first_name = Utónév
last_name = Családi név
email = Munkahelyi e-mail-cím
phone = Telefon
company = Cég
title = Beosztás
country = Ország
country-choose = Válasszon országot
notes = Üzenet
notes-hint = Mit szeretne megtudni?
consent = Hozzájárulás
agree = Elolvastam és hozzájárulok
send-test_drive = Kipróbálás indítása
send-get_it_now = Kérem most
send-contact_me = Elküldöm
send-purchase = Tovább a vásárláshoz
homepage = Hagyja üresen ezt a mezőt

error-title = Hiba: { $title }
errors-heading = { $count ->
    [one] Egy dolgot javítani kell
   *[other] { $count } dolgot javítani kell
}
missing = Kérjük, töltse ki: { $field }
missing-country = Kérjük, válassza ki az országot
missing-consent = Hozzájárulás nélkül nem adhatjuk tovább az adatait. Ha egyetért, jelölje be a négyzetet
too-long = { $field }: legfeljebb { $max } karakter lehet
not-an-email = Ez nem tűnik e-mail-címnek. Ilyen legyen: nev@example.com
not-a-phone = Ez nem tűnik telefonszámnak. Ilyen legyen: +36 1 234 5678
not-a-country = Kérjük, a listából válasszon országot

renewed = Az űrlap sokáig volt nyitva. Amit beírt, megvan: kérjük, nézze át, és küldje el újra.
changed = A hozzájárulás szövege megváltozott, amíg kitöltötte az űrlapot. Kérjük, olvassa el újra.
confirm = Kérjük, nézze át, amit beírt, olvassa el a hozzájárulás szövegét, és küldje el.
too-fast = Ez gyorsabban érkezett, mint ahogy ember szokott küldeni, ezért semmit sem tároltunk. Ha Ön ember, kérjük, nyomja meg még egyszer a gombot.
trapped = Egy olyan mező is ki volt töltve, amelyet ember nem lát, ezért semmit sem tároltunk. A mező újra üres: ha Ön ember, kérjük, nyomja meg még egyszer a gombot.
slow-down = Az Ön hálózatából most túl sok űrlap érkezett, ezért semmit sem tároltunk. Kérjük, várjon { $seconds ->
    [one] egy másodpercet
   *[other] { $seconds } másodpercet
}, és nyomja meg újra a gombot.
try-again = Most nem tudtuk eltárolni az adatait. Amit beírt, megvan: kérjük, próbálja újra egy perc múlva.

thanks-title = Köszönjük
thanks-test_drive = Kérését a kipróbálásra megkapta: { $publisher }.
thanks-get_it_now = Kérését megkapta: { $publisher }.
thanks-contact_me = Üzenetét megkapta: { $publisher }. Hamarosan jelentkeznek Önnél.
thanks-purchase = Vásárlási kérését megkapta: { $publisher }.
thanks-next = Tovább
thanks-preview = Ez előnézet volt: tesztként lett megjelölve.

missing-title = Ez az oldal nincs itt
missing-text = Lehet, hogy a cím hibás, vagy az ajánlat nincs közzétéve.
busy-title = Kérjük, várjon egy kicsit
busy-text = Túl sok kérés érkezett az Ön hálózatából. Próbálja újra kicsit később.
wrong-title = Ez nem sikerült
wrong-text = Nálunk történt hiba, és semmit sem tároltunk. Kérjük, próbálja újra egy perc múlva.
large-text = Túl nagy volt, amit küldött, ezért semmit sem tároltunk. Kérjük, rövidítse le az üzenetet.

stop-title = Nem kér több üzenetet?
stop-text = Ha megnyomja a gombot, { $publisher } nem ír Önnek többet, és a munkatársai is megtudják, hogy nem szeretné, ha keresnék.
stop-send = Nem kérek több üzenetet
stopped-title = Rendben van
stopped-text = { $publisher } nem keresi Önt többet. Más teendője nincs.
