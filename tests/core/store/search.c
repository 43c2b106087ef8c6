/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tracks in the index are found by the words that people type. */
#include "index-fixture.h"

#include "core/base/error.h"
#include "core/base/identifier.h"

#include <string.h>

static void
words_are_found_folded_and_by_their_beginnings (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const gchar *q;
    guint n;
  } cases[] = {
    { "beyonce", 1 },
    { "BEYONCÉ", 1 },
    { "bey", 1 },
    { "b", 1 },
    { "eyonce", 0 },
    { "halo bey", 1 },
    { "bey halo", 1 },
    { "halo nobody", 0 },
    { "sigur ros", 1 },
    { "Sigur Rós", 1 },
    { "песня", 1 },
    { "ПЕС", 1 },
    { "夜", 1 },
    { "rock", 1 },
    { "takk", 1 },
    { "takk takk", 1 },
    { "!!!", 0 },
    { "...", 0 },
    { " ", 0 },
    { "ac/dc", 1 },
    { "acdc", 1 },
    { "hoppípolla", 1 },
    { "hoppipollaa", 0 },
  };
  g_autofree gchar *a
      = put_one (f->store, "a", "Halo", "Beyoncé", "I Am", "Pop");
  g_autofree gchar *b
      = put_one (f->store, "b", "Hoppípolla", "Sigur Rós", "Takk", "Rock");
  g_autofree gchar *c = put_one (f->store, "c", "Песня", "夜想曲", NULL, NULL);
  g_autofree gchar *d = put_one (f->store, "d", "TNT", "AC/DC", "", "");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_count (f->store, cases[i].q, cases[i].n);
}

static void
hostile_queries_are_words_and_never_syntax (Fixture *f, gconstpointer data)
{
  static const gchar *const cases[] = { "\"", "\"\"", "love\"", "love*", "*",
    "love OR hate", "love NOT hate", "NEAR(love hate)", "title:love",
    "{title artist}: love", "^love", "love AND", "-love", "(love", "love)",
    "'; DROP TABLE tracks; --", "love + hate", "\xf3\xb0\x80\x80", "%s%n",
    "love\nhate", "search", "rowid" };
  g_autofree gchar *a = put_one (f->store, "a", "Love", "Low", "Lo", NULL);
  g_autofree gchar *long_word = g_strnfill (65, 'a');
  g_autoptr (GString) many = g_string_new (NULL);
  const gchar *refused[] = { long_word, NULL, "\xff\xfe" };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GPtrArray) found = find_words (f->store, cases[i]);

    g_assert_cmpuint (found->len, <=, 1);
  }
  assert_count (f->store, "love OR hate", 0);
  assert_count (f->store, "love*", 1);
  assert_count (f->store, "lov \"lo", 1);
  for (guint i = 0; i < 65; i++)
    g_string_append (many, "a ");
  refused[1] = many->str;
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree gchar *next = NULL;

    g_assert_null (syrinx_store_find_tracks (f->store,
        &(SyrinxTrackQuery){ .q = refused[i], .limit = 50 }, &next, &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
  }
}

static void
exact_titles_come_first_then_the_densest_matches (
    Fixture *f, gconstpointer data)
{
  g_autofree gchar *a = put_one (f->store, "a",
      "Lovers of the night in the city", "The Long Named Band", "Lovers", NULL);
  g_autofree gchar *b = put_one (f->store, "b", "Love",
      "A Band With Rather Many Words In Its Name",
      "An Album With Rather Many Words In Its Name", "Rock and Roll");
  g_autofree gchar *c = put_one (f->store, "c", "Lovely", "X", "Y", NULL);
  g_autofree gchar *d
      = put_one (f->store, "d", "Lovesong", "Loveband", "Lovealbum", NULL);
  g_autoptr (GPtrArray) found = find_words (f->store, "love");

  g_assert_cmpuint (found->len, ==, 4);
  assert_first (f->store, "love", "Love");
  g_assert_cmpstr (((SyrinxTrack *)found->pdata[1])->title, ==, "Lovesong");
  g_assert_cmpstr (((SyrinxTrack *)found->pdata[2])->title, ==, "Lovely");
}

static void
filters_compare_folded_names (Fixture *f, gconstpointer data)
{
  static const struct
  {
    SyrinxTrackQuery query;
    guint n;
  } cases[] = {
    { { .artist = "beyonce", .limit = 10 }, 2 },
    { { .artist = "beyo", .limit = 10 }, 0 },
    { { .artist = "Jay-Z", .limit = 10 }, 1 },
    { { .album = "i am", .limit = 10 }, 2 },
    { { .artist = "BEYONCE", .album = "I AM", .limit = 10 }, 2 },
    { { .artist = "BEYONCE", .album = "Other", .limit = 10 }, 0 },
    { { .genre = "pop", .limit = 10 }, 2 },
    { { .genre = "r b", .limit = 10 }, 1 },
    { { .q = "ha", .genre = "POP", .limit = 10 }, 1 },
    { { .q = "ha", .genre = "rock", .limit = 10 }, 0 },
    { { .q = "ha", .artist = "beyonce", .limit = 10 }, 1 },
    { { .q = "ha", .album = "i am", .limit = 10 }, 1 },
    { { .artist = "!!!", .limit = 10 }, 1 },
    { { .limit = 10 }, 4 },
  };
  g_autofree gchar *a
      = put_one (f->store, "a", "Halo", "Beyoncé", "I Am", "Pop");
  g_autofree gchar *b
      = put_one (f->store, "b", "Diva", "Beyoncé", "I Am", "R&B");
  g_autofree gchar *d = put_one (f->store, "d", "Yadnus", "!!!", NULL, NULL);
  g_autoptr (GPtrArray) guests = new_tracks ();
  SyrinxTrack *guest = new_track ("c", "Crazy", "Jay-Z", "Hits", "Pop");

  guest->album_artist = g_strdup ("Various");
  g_ptr_array_add (guests, guest);
  put_all (f->store, guests);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GPtrArray) found = find (f->store, &cases[i].query);

    if (found->len != cases[i].n)
      g_error ("case %u: %u found", i, found->len);
  }
}

/* --- Paging --- */

static guint
visit_all (SyrinxStore *store, SyrinxTrackQuery query, guint change_at)
{
  g_autoptr (GHashTable) seen
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree gchar *cursor = NULL;
  guint page = 0;

  do {
    g_autoptr (GError) error = NULL;
    g_autofree gchar *next = NULL;
    g_autoptr (GPtrArray) found = NULL;

    query.cursor = cursor;
    found = syrinx_store_find_tracks (store, &query, &next, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (found->len, <=, query.limit);
    for (guint i = 0; i < found->len; i++) {
      SyrinxTrack *track = found->pdata[i];

      if (!g_hash_table_add (seen, g_strdup (track->id)))
        g_error ("%s was shown twice", track->title);
    }
    if (++page == change_at) {
      g_autofree gchar *new_one
          = put_one (store, "new", "Song song song", "Song", "Song", NULL);
    }
    g_free (cursor);
    cursor = g_steal_pointer (&next);
  } while (cursor);
  return g_hash_table_size (seen);
}

static void
paging_visits_every_track_once (Fixture *f, gconstpointer data)
{
  static const guint limits[] = { 1, 7, 50, 99, 100, 101, 500 };
  g_autofree gchar *a = put_one (f->store, "x", "Song", "S", NULL, NULL);
  g_autofree gchar *b = put_one (f->store, "y", "SONG!", "S", NULL, NULL);

  put_n (f->store, 400, "Song");
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++) {
    g_assert_cmpuint (
        visit_all (
            f->store, (SyrinxTrackQuery){ .q = "so", .limit = limits[i] }, 0),
        ==, 402);
    g_assert_cmpuint (
        visit_all (f->store,
            (SyrinxTrackQuery){
                .q = "song", .genre = "genre", .limit = limits[i] },
            0),
        ==, 400);
    g_assert_cmpuint (
        visit_all (f->store, (SyrinxTrackQuery){ .limit = limits[i] }, 0), ==,
        402);
    g_assert_cmpuint (
        visit_all (f->store,
            (SyrinxTrackQuery){ .genre = "genre", .limit = limits[i] }, 0),
        ==, 400);
    g_assert_cmpuint (
        visit_all (f->store,
            (SyrinxTrackQuery){ .album = "album", .limit = limits[i] }, 0),
        ==, 400);
  }
}

static void
a_change_between_pages_shows_no_track_twice (Fixture *f, gconstpointer data)
{
  put_n (f->store, 300, "Song");
  g_assert_cmpuint (
      visit_all (f->store, (SyrinxTrackQuery){ .q = "song", .limit = 20 }, 2),
      >=, 300);
}

static void
a_cursor_of_another_query_is_refused (Fixture *f, gconstpointer data)
{
  g_autofree gchar *next = NULL, *unused = NULL;
  g_autoptr (GPtrArray) found = NULL;
  const gchar *wrong[] = { NULL, "", "AAAA", "!!", "\n" };

  put_n (f->store, 30, "Song");
  found = syrinx_store_find_tracks (
      f->store, &(SyrinxTrackQuery){ .q = "song", .limit = 10 }, &next, NULL);
  g_assert_nonnull (next);
  wrong[0] = next;
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (syrinx_store_find_tracks (f->store,
        &(SyrinxTrackQuery){ .q = "artist", .limit = 10, .cursor = wrong[i] },
        &unused, &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
    g_assert_null (unused);
  }
}

/* The last track of a page may be one that the client must not see. */
static void
a_cursor_does_not_tell_of_the_track_it_stands_at (
    Fixture *f, gconstpointer data)
{
  const gchar *const queries[] = { NULL, "song" };

  put_n (f->store, 30, "Song");
  for (guint i = 0; i < G_N_ELEMENTS (queries); i++) {
    const SyrinxTrackQuery query = { .q = queries[i], .limit = 1 };
    g_autofree gchar *next = NULL, *again = NULL;
    g_autoptr (GPtrArray) found
        = syrinx_store_find_tracks (f->store, &query, &next, NULL);
    g_autoptr (GPtrArray) same
        = syrinx_store_find_tracks (f->store, &query, &again, NULL);
    g_autoptr (GBytes) bytes = syrinx_base64url_decode (next, 8192);
    SyrinxTrack *track = found->pdata[0];
    g_autofree gchar *key = g_ascii_strdown (track->artist, -1);
    gsize size;
    gconstpointer text = g_bytes_get_data (bytes, &size);

    g_assert_null (memmem (text, size, key, strlen (key)));
    /* Nor does it tell that it stands where another stands. */
    g_assert_cmpstr (next, !=, again);
  }
}

static void
a_changed_cursor_is_refused (Fixture *f, gconstpointer data)
{
  g_autofree gchar *next = NULL, *unused = NULL;
  g_autoptr (GPtrArray) found = NULL;

  put_n (f->store, 30, "Song");
  found = syrinx_store_find_tracks (
      f->store, &(SyrinxTrackQuery){ .limit = 10 }, &next, NULL);
  for (gsize at = 0; at < strlen (next); at++) {
    g_autofree gchar *changed = g_strdup (next);
    g_autoptr (GError) error = NULL;

    changed[at] = changed[at] == 'A' ? 'Q' : 'A';
    g_assert_null (syrinx_store_find_tracks (f->store,
        &(SyrinxTrackQuery){ .limit = 10, .cursor = changed }, &unused,
        &error));
    g_assert_error (error, SYRINX_ERROR, SYRINX_ERROR_INVALID);
  }
}

/* --- As people type it --- */

typedef struct
{
  const gchar *title, *artist;
  const gchar *found[8], *not_found[4];
} Typed;

static const Typed typed[] = {
  { "我只在乎你", "邓丽君",
      { "邓", "丽君", "君", "在乎", "我只在乎你", "只在乎你", "邓丽君 在乎" },
      { "君丽", "乎在", "你我" } },
  { "となりのトトロ", "久石譲",
      { "となり", "トトロ", "りのト", "久石", "ﾄﾄﾛ", "石譲" }, { "ドドロ" } },
  { "봄날", "방탄소년단", { "방탄", "소년단", "단", "봄날" }, { "년소" } },
  { "สวัสดี", "คาราบาว", { "คารา", "บาว", "สวัส" }, { NULL } },
  { "T.N.T.", "AC/DC",
      { "AC/DC", "ac dc", "acdc", "t.n.t", "tnt", "acd", "dc tnt" },
      { "cdc" } },
  { "Shiny Happy People", "R.E.M.", { "rem", "R.E.M.", "r.e.m", "REM shiny" },
      { "rm" } },
  { "Don't Stop", "Rock'n'Roll",
      { "dont", "don't", "don’t stop", "dont stop", "rocknroll",
          "rock n roll" },
      { "dnt" } },
  { "Dont Look", "ACDC Cover", { "don't look", "AC/DC cover" }, { NULL } },
  { "Try", "P!nk", { "p!nk", "pink", "P!NK try", "pnk" }, { "piink" } },
  { "TiK ToK", "Ke$ha", { "kesha", "ke$ha", "Ke$ha tik" }, { "k$sha" } },
  { "Heart and Soul", "!!!", { "!!!", "!!! heart" }, { "!!!!" } },
  { "( )", "Sigur Rós", { "()", "( )" }, { "[]" } },
  { "?", "XXXTENTACION", { "?" }, { "??" } },
  { "emoji 🎵", "★", { "🎵", "★", "emoji 🎵" }, { "🎶" } },
  { "÷", "Ed Sheeran", { "÷" }, { "×" } },
  { "👍🏽", "Thumbs", { "👍", "👍🏿" }, { "👎" } },
  { "Işık", "Sertab ERENER", { "isik", "IŞIK", "ışık", "İşik" }, { "osik" } },
  { "Ο Δρόμος", "Μάνος Χατζιδάκις",
      { "δρομος", "ΔΡΌΜΟΣ", "χατζιδακις", "ΧΑΤΖΙΔΑΚΙΣ", "μανοσ" },
      { "δρομαι" } },
  { "Zażółć gęślą", "Łona", { "lona", "zazolc", "gesla", "ŁONA" }, { "wona" } },
  { "Straße", "Weiß", { "strasse", "STRASSE", "weiss", "WEISS" },
      { "strabe" } },
  { "Ærø", "Encyclopædia", { "aero", "ærø", "encyclopaedia" }, { "ero" } },
  { "Œuvre", "Þór", { "oeuvre", "thor", "œuvre" }, { "uvre" } },
  { "ﬁnale", "Ｆｕｌｌ　Ｗｉｄｔｈ", { "finale", "full width", "ＦＵＬＬ" },
      { "fi nal" } },
  { "كِتَابٌ", "أُمّ كُلْثُوم", { "كتاب", "ام كلثوم", "أم", "كتـاب" }, { "كتب" } },
  { "שָׁלוֹם", "Ofra", { "שלום" }, { NULL } },
  { "Ёлка", "Йод", { "елка", "ЁЛКА", "йод" }, { "иод" } },
  { "Nguyễn", "Đặng", { "nguyen", "dang" }, { "nguyin" } },
  { "Soft\u00adly", "Zero\u200bWidth", { "softly", "zerowidth" }, { NULL } },
  { "١٢٣", "Digits", { "123", "١٢" }, { "321" } },
};

static void
put_typed (SyrinxStore *store)
{
  g_autoptr (GPtrArray) tracks = new_tracks ();

  for (guint i = 0; i < G_N_ELEMENTS (typed); i++) {
    g_autofree gchar *path = g_strdup_printf ("%u", i);

    g_ptr_array_add (
        tracks, new_track (path, typed[i].title, typed[i].artist, NULL, NULL));
  }
  put_all (store, tracks);
}

static gboolean
has_title (GPtrArray *tracks, const gchar *title)
{
  for (guint i = 0; i < tracks->len; i++)
    if (g_str_equal (((SyrinxTrack *)tracks->pdata[i])->title, title))
      return TRUE;
  return FALSE;
}

static void
assert_typed (SyrinxStore *store, const Typed *t)
{
  for (guint i = 0; i < G_N_ELEMENTS (t->found) && t->found[i]; i++) {
    g_autoptr (GPtrArray) found = find_words (store, t->found[i]);

    if (!has_title (found, t->title))
      g_error ("%s does not find %s", t->found[i], t->title);
  }
  for (guint i = 0; i < G_N_ELEMENTS (t->not_found) && t->not_found[i]; i++) {
    g_autoptr (GPtrArray) found = find_words (store, t->not_found[i]);

    if (has_title (found, t->title))
      g_error ("%s finds %s", t->not_found[i], t->title);
  }
}

static void
what_people_type_is_found (Fixture *f, gconstpointer data)
{
  put_typed (f->store);
  for (guint i = 0; i < G_N_ELEMENTS (typed); i++)
    assert_typed (f->store, &typed[i]);
}

/* Removed tracks leave no words in the index. */
static void
what_is_removed_is_found_by_nothing (Fixture *f, gconstpointer data)
{
  put_typed (f->store);
  for (guint i = 0; i < G_N_ELEMENTS (typed); i++) {
    g_autofree gchar *path = g_strdup_printf ("%u", i);

    remove_one (f->store, path);
  }
  for (guint i = 0; i < G_N_ELEMENTS (typed); i++)
    for (guint k = 0; k < G_N_ELEMENTS (typed[i].found); k++)
      if (typed[i].found[k])
        assert_count (f->store, typed[i].found[k], 0);
}

static void
exact_titles_come_first_in_every_script (Fixture *f, gconstpointer data)
{
  static const gchar *const exact[][2]
      = { { "在乎", "在乎" }, { "straße", "Strasse" }, { "acdc", "AC/DC" },
          { "dont stop", "Don't stop" }, { "ŁONA", "łona" }, { "!!!", "!!!" } };

  for (guint i = 0; i < G_N_ELEMENTS (exact); i++) {
    g_autofree gchar *path = g_strdup_printf ("exact/%u", i);
    g_autofree gchar *longer = g_strconcat (exact[i][1], " x", NULL);
    g_autofree gchar *other = g_strconcat (path, "x", NULL);
    g_autofree gchar *a = put_one (f->store, other, longer, "A", NULL, NULL);
    g_autofree gchar *b = put_one (f->store, path, exact[i][1],
        "Somebody with a rather long name", "And an album", "And a genre");

    assert_first (f->store, exact[i][0], exact[i][1]);
  }
}

static void
every_artist_of_a_list_is_found (Fixture *f, gconstpointer data)
{
  static const gchar *const artists[] = { "Eva Drei", "Fritz Vier", NULL };
  static const gchar *const album_artists[] = { "Anna", "Otto", NULL };
  g_autoptr (GPtrArray) tracks = new_tracks ();
  const gchar *const names[] = { "Eva Drei", "fritz vier", "Anna", "OTTO" };
  SyrinxTrack *track = new_track ("p", "Trio", NULL, "Duo", NULL);
  SyrinxStoreStats stats;

  track->artists = g_strdupv ((gchar **)artists);
  track->album_artists = g_strdupv ((gchar **)album_artists);
  g_ptr_array_add (tracks, track);
  put_all (f->store, tracks);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *id = syrinx_get_artist_id (names[i]);
    g_autoptr (GPtrArray) by_name = find (
        f->store, &(SyrinxTrackQuery){ .artist = names[i], .limit = 9 });
    g_autoptr (GPtrArray) by_id
        = find (f->store, &(SyrinxTrackQuery){ .artist_id = id, .limit = 9 });

    assert_count (f->store, names[i], 1);
    g_assert_cmpuint (by_name->len, ==, 1);
    g_assert_cmpuint (by_id->len, ==, 1);
  }
  g_assert_true (syrinx_store_get_stats (f->store, &stats, NULL));
  g_assert_cmpuint (stats.n_artists, ==, 4);
  remove_one (f->store, "p");
  g_assert_true (syrinx_store_get_stats (f->store, &stats, NULL));
  g_assert_cmpuint (stats.n_artists, ==, 0);
  g_assert_cmpuint (stats.n_albums, ==, 0);
}

static const gchar *
get_name (GPtrArray *groups, guint i)
{
  return i < groups->len ? ((SyrinxGroup *)groups->pdata[i])->name : NULL;
}

static void
artists_and_albums_are_results_of_their_own (Fixture *f, gconstpointer data)
{
  g_autofree gchar *a
      = put_one (f->store, "a/1", "One", "Abba Gold Tribute", "Covers", NULL);
  g_autofree gchar *b = put_one (f->store, "b/1", "Two", "Abba", "Gold", NULL);
  g_autofree gchar *c
      = put_one (f->store, "c/1", "Three", "Gold", "Abba Songs", NULL);
  g_autofree gchar *d
      = put_one (f->store, "d/1", "四", "邓丽君", "淡淡幽情", NULL);
  g_autoptr (GPtrArray) artists
      = syrinx_store_find_groups (f->store, "abba", FALSE, NULL, 10, NULL);
  g_autoptr (GPtrArray) albums
      = syrinx_store_find_groups (f->store, "ABBA gold", TRUE, NULL, 10, NULL);
  g_autoptr (GPtrArray) part
      = syrinx_store_find_groups (f->store, "丽君", FALSE, NULL, 10, NULL);
  g_autoptr (GPtrArray) one
      = syrinx_store_find_groups (f->store, "a", FALSE, NULL, 1, NULL);
  g_autoptr (GPtrArray) none = NULL, gone = NULL;

  g_assert_cmpuint (artists->len, ==, 2);
  g_assert_cmpstr (get_name (artists, 0), ==, "Abba");
  g_assert_cmpuint (albums->len, ==, 3);
  g_assert_cmpstr (get_name (albums, 0), ==, "Gold");
  g_assert_cmpstr (get_name (part, 0), ==, "邓丽君");
  g_assert_cmpuint (one->len, ==, 1);
  none = syrinx_store_find_groups (f->store, "", FALSE, NULL, 10, NULL);
  g_assert_cmpuint (none->len, ==, 0);
  remove_one (f->store, "b/1");
  gone = syrinx_store_find_groups (f->store, "abba", FALSE, NULL, 10, NULL);
  g_assert_cmpuint (gone->len, ==, 1);
}

#define ADD(test)                                                              \
  g_test_add ("/search/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (words_are_found_folded_and_by_their_beginnings);
  ADD (hostile_queries_are_words_and_never_syntax);
  ADD (exact_titles_come_first_then_the_densest_matches);
  ADD (filters_compare_folded_names);
  ADD (paging_visits_every_track_once);
  ADD (a_change_between_pages_shows_no_track_twice);
  ADD (a_cursor_of_another_query_is_refused);
  ADD (a_cursor_does_not_tell_of_the_track_it_stands_at);
  ADD (a_changed_cursor_is_refused);
  ADD (what_people_type_is_found);
  ADD (what_is_removed_is_found_by_nothing);
  ADD (exact_titles_come_first_in_every_script);
  ADD (every_artist_of_a_list_is_found);
  ADD (artists_and_albums_are_results_of_their_own);
  return g_test_run ();
}
