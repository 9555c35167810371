# Teklif sayfalarının Türkçe metinleri.
skip = İçeriğe geç
language = Dil
preview-banner = Önizleme. Bu sayfayı yalnızca bu bağlantıya sahip olanlar görür ve buradan gönderilenler test sayılır.
about = Bu teklif hakkında
pictures = Görseller
choose = Ne yapmak istersiniz?
back = Geri dön: { $title }
privacy = Gizlilik bildirimi
optional = isteğe bağlı

test_drive = Deneyin
get_it_now = Hemen edinin
contact_me = Bana ulaşın
purchase = Satın alın
test_drive-hint = Karar vermeden önce deneyin.
get_it_now-hint = Hemen kullanmaya başlayın.
contact_me-hint = Soru sorun veya aranmayı isteyin.
purchase-hint = Sipariş verin.

form-intro = Kendinizi tanıtın ki size yanıt verilebilsin. Alıcı: { $publisher }. “İsteğe bağlı” alanlar boş kalabilir.
first_name = Ad
last_name = Soyadı
email = İş e-postası
phone = Telefon
company = Şirket
title = Unvan
country = Ülke
country-choose = Ülke seçin
notes = Mesajınız
notes-hint = Ne öğrenmek istersiniz?
consent = Onay
agree = Okudum ve onaylıyorum
send-test_drive = Denemeyi başlat
send-get_it_now = Hemen edin
send-contact_me = Gönder
send-purchase = Satın almaya devam et
homepage = Bu alanı boş bırakın

error-title = Hata: { $title }
errors-heading = { $count ->
    [one] Bir noktayı düzeltmeniz gerekiyor
   *[other] { $count } noktayı düzeltmeniz gerekiyor
}
missing = Lütfen doldurun: { $field }
missing-country = Lütfen ülkenizi seçin
missing-consent = Onayınız olmadan bilgileriniz iletilemez. Onaylıyorsanız lütfen kutuyu işaretleyin
too-long = { $field }: lütfen en çok { $max } karakter kullanın
not-an-email = Bu bir e-posta adresine benzemiyor. Şöyle olmalı: ad@example.com
not-a-phone = Bu bir telefon numarasına benzemiyor. Şöyle olmalı: +90 212 345 67 89
not-a-country = Lütfen listeden bir ülke seçin

renewed = Bu form uzun süre açık kaldı. Yazdıklarınız duruyor: lütfen gözden geçirip yeniden gönderin.
changed = Siz formu doldururken onay metni değişti. Lütfen yeniden okuyun.
confirm = Lütfen girdiklerinizi gözden geçirin, onay metnini okuyun ve gönderin.
too-fast = Bu, bir insanın gönderebileceğinden hızlı geldi; bu yüzden hiçbir şey kaydedilmedi. İnsansanız lütfen düğmeye bir kez daha basın.
trapped = İnsanların göremediği bir alan doldurulmuş; bu yüzden hiçbir şey kaydedilmedi. Alan yeniden boş: insansanız lütfen düğmeye bir kez daha basın.
slow-down = Az önce ağınızdan çok fazla form geldi; bu yüzden hiçbir şey kaydedilmedi. Lütfen { $seconds ->
    [one] bir saniye
   *[other] { $seconds } saniye
} bekleyip düğmeye yeniden basın.
try-again = Bilgilerinizi şu anda kaydedemedik. Yazdıklarınız duruyor: lütfen bir dakika sonra yeniden deneyin.

thanks-title = Teşekkür ederiz
thanks-test_drive = Deneme isteğiniz iletildi: { $publisher }.
thanks-get_it_now = İsteğiniz iletildi: { $publisher }.
thanks-contact_me = Mesajınız iletildi: { $publisher }. Size ulaşacaklar.
thanks-purchase = Satın alma isteğiniz iletildi: { $publisher }.
thanks-next = Devam
thanks-preview = Bu bir önizlemeydi: test olarak işaretlendi.

missing-title = Bu sayfa burada değil
missing-text = Adres yanlış yazılmış veya teklif yayımlanmamış olabilir.
busy-title = Lütfen biraz bekleyin
busy-text = Ağınızdan çok fazla istek geldi. Biraz sonra yeniden deneyin.
wrong-title = Bu olmadı
wrong-text = Bizim tarafımızda bir sorun oldu ve hiçbir şey kaydedilmedi. Lütfen bir dakika sonra yeniden deneyin.
large-text = Gönderdiğiniz çok büyüktü ve hiçbir şey kaydedilmedi. Lütfen mesajınızı kısaltın.

stop-title = Başka ileti istemiyor musunuz?
stop-text = Düğmeye bastığınızda { $publisher } size artık yazmaz ve sizinle iletişim kurulmasını istemediğinizi çalışanlarına bildirir.
stop-send = Başka ileti istemiyorum
stopped-title = Tamam
stopped-text = { $publisher } artık sizinle iletişim kurmayacak. Başka bir şey yapmanız gerekmez.
