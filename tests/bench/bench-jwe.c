/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many JWEs a core issues in a second. */
#include "figures.h"

#include "core/crypto/jwe.h"

#include <string.h>
#include <time.h>

#define ROUNDS      5
#define ROUND_CPU_S 0.4

static const struct
{
  const gchar *figure, *jwk;
  gdouble goal; /* per second */
} benches[] = {
  { "jwe_ecdh_es_p256",
      "{\"kty\":\"EC\",\"crv\":\"P-256\","
      "\"x\":\"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ\","
      "\"y\":\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck\"}",
      2000 },
  { "jwe_ecdh_es_p384",
      "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"WxkB2yswpYRJCw7_FVUfvWnFuLqPw"
      "fbKeK2UcYBqPh6V7FYQ0TDBMLbV_o4oW-6h\",\"y\":\"LdNglTCCqKjtAnh4xu"
      "zhV9vFpzjIFnP-Jf5XagFfmjVxfLRT5hFdP-EylCqvH6o8\"}",
      500 },
  { "jwe_rsa_oaep_256_2048",
      "{\"kty\":\"RSA\",\"n\":\"wAIi6KTs0gD01IPIHrydtQpm1Dxb4LqkZ1brlUUvaB"
      "tQwbSQcrgMLd540dJMzhdkMtZOLCkf1hHWRxujcY8FOZpt0vErhKy4btw-9f"
      "nNsAhX8f9kWOw_55HLDoQCqv-N4nRgjxjp-BKhOuwHI01rc-Y_d6hYQ3SOjf"
      "9ENHnRjL6azjs-UEW5f1E7yLS5fuptVmzsy8GNmBOX2FE6Bsb-bSctCAwLql"
      "LTpCOcANuKiHNnnNXBzsVfxEFHKkgGBmeVxlxazqomnJxQcK0aZh-qa2q1WI"
      "ejEt60XxBFgyXVJxCSduXYOGySpgTinlBU4iGp8_svWWfuTWB2IGmEONWVAw"
      "\",\"e\":\"AQAB\"}",
      500 },
};

static gdouble
cpu_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static gdouble
run (const gchar *jwk)
{
  g_autofree gchar *payload_text = g_strnfill (400, 'k');
  g_autoptr (GBytes) payload = g_bytes_new_static (payload_text, 400);
  gdouble started = cpu_now (), now;
  guint n = 0;

  do {
    g_autoptr (GError) error = NULL;
    g_autofree gchar *jwe = syrinx_jwe_wrap (jwk, payload, &error);
    if (jwe == NULL)
      g_error ("%s", error->message);
    n++;
    now = cpu_now ();
  } while (now - started < ROUND_CPU_S);
  return n / (now - started);
}

int
main (void)
{
  gdouble rates[G_N_ELEMENTS (benches)][ROUNDS];

  for (guint round = 0; round < ROUNDS; round++)
    for (guint i = 0; i < G_N_ELEMENTS (benches); i++)
      rates[i][round] = run (benches[i].jwk);
  figures_begin ("jwe");
  for (guint i = 0; i < G_N_ELEMENTS (benches); i++)
    figures_add (
        &(Figure){ benches[i].figure, figures_median (rates[i], ROUNDS), "1/s",
            NULL, 0, GOAL_AT_LEAST, benches[i].goal });
  return 0;
}
