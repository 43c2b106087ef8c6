/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal: which reader gets which events, in which order, and events noted
 * by threads. */
#include "daemon/journal.h"
#include "daemon/tally.h"

#define N_THREADS 4
#define N_EACH    900 /* N_THREADS of them fit into the queue */

static void
note (SyrinxJournal *journal, SyrinxEventKind kind, const gchar *reason)
{
  syrinx_journal_note (
      journal, &(SyrinxEvent){ .kind = kind, .reason = reason });
}

/* Appends "name:reason " for each event. */
typedef struct
{
  const gchar *name;
  GString *text;
} Scribe;

static void
write_down (const SyrinxEvent *event, gpointer data)
{
  Scribe *scribe = data;

  g_string_append_printf (scribe->text, "%s:%s ", scribe->name, event->reason);
}

static void
readers_get_the_kinds_that_they_ask_for (void)
{
  g_autoptr (SyrinxJournal) journal = syrinx_journal_new ();
  g_autoptr (GString) text = g_string_new (NULL);
  Scribe all = { "all", text }, errors = { "errors", text };
  guint id;

  g_assert_false (syrinx_journal_is_read (journal, SYRINX_EVENTS_ALL));
  note (journal, SYRINX_EVENT_ERROR, "unread");
  id = syrinx_journal_add_reader (journal, SYRINX_EVENTS_ALL, write_down, &all);
  syrinx_journal_add_reader (
      journal, SYRINX_EVENT_BIT (SYRINX_EVENT_ERROR), write_down, &errors);
  note (journal, SYRINX_EVENT_ERROR, "1");
  note (journal, SYRINX_EVENT_REFUSED, "2");
  syrinx_journal_remove_reader (journal, id);
  g_assert_false (syrinx_journal_is_read (
      journal, SYRINX_EVENT_BIT (SYRINX_EVENT_REFUSED)));
  note (journal, SYRINX_EVENT_ERROR, "3");
  g_assert_cmpstr (text->str, ==, "all:1 errors:1 all:2 errors:3 ");
}

static void
every_kind_has_a_name_of_its_own (void)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint kind = 0; kind < SYRINX_N_EVENTS; kind++) {
    g_assert_nonnull (syrinx_event_kind_to_string (kind));
    g_assert_true (
        g_hash_table_add (names, (gpointer)syrinx_event_kind_to_string (kind)));
  }
}

static void
read_time (const SyrinxEvent *event, gpointer at_us)
{
  *(gint64 *)at_us = event->at_us;
}

static void
an_event_has_its_time (void)
{
  g_autoptr (SyrinxJournal) journal = syrinx_journal_new ();
  gint64 before_us = g_get_real_time (), at_us = 0;

  syrinx_journal_add_reader (journal, SYRINX_EVENTS_ALL, read_time, &at_us);
  note (journal, SYRINX_EVENT_ERROR, "now");
  g_assert_cmpint (at_us, >=, before_us);
  g_assert_cmpint (at_us, <=, g_get_real_time ());
  syrinx_journal_note (
      journal, &(SyrinxEvent){ .kind = SYRINX_EVENT_ERROR, .at_us = 7 });
  g_assert_cmpint (at_us, ==, 7);
}

/* --- Readers that act while they read --- */

typedef struct
{
  SyrinxJournal *journal;
  Scribe scribe;
  guint id;
} Actor;

static void
answer_once (const SyrinxEvent *event, gpointer data)
{
  Actor *actor = data;

  write_down (event, &actor->scribe);
  if (event->kind == SYRINX_EVENT_ERROR) {
    g_autofree gchar *text = g_strdup ("answer"); /* freed before it is read */
    note (actor->journal, SYRINX_EVENT_SERVER, text);
  }
}

static void
what_a_reader_notes_comes_after_what_it_reads (void)
{
  g_autoptr (SyrinxJournal) journal = syrinx_journal_new ();
  g_autoptr (GString) text = g_string_new (NULL);
  Actor first = { .journal = journal, .scribe = { "first", text } };
  Scribe second = { "second", text };

  syrinx_journal_add_reader (journal, SYRINX_EVENTS_ALL, answer_once, &first);
  syrinx_journal_add_reader (journal, SYRINX_EVENTS_ALL, write_down, &second);
  note (journal, SYRINX_EVENT_ERROR, "question");
  g_assert_cmpstr (text->str, ==,
      "first:question second:question first:answer second:answer ");
}

static void
leave (const SyrinxEvent *event, gpointer data)
{
  Actor *actor = data;

  write_down (event, &actor->scribe);
  syrinx_journal_remove_reader (actor->journal, actor->id);
  actor->id = syrinx_journal_add_reader (
      actor->journal, SYRINX_EVENTS_ALL, write_down, &actor->scribe);
}

static void
a_reader_may_leave_and_join_while_it_reads (void)
{
  g_autoptr (SyrinxJournal) journal = syrinx_journal_new ();
  g_autoptr (GString) text = g_string_new (NULL);
  Actor actor = { .journal = journal, .scribe = { "a", text } };
  Scribe other = { "b", text };

  actor.id
      = syrinx_journal_add_reader (journal, SYRINX_EVENTS_ALL, leave, &actor);
  syrinx_journal_add_reader (journal, SYRINX_EVENTS_ALL, write_down, &other);
  note (journal, SYRINX_EVENT_ERROR, "1");
  note (journal, SYRINX_EVENT_ERROR, "2");
  g_assert_cmpstr (text->str, ==, "a:1 b:1 b:2 a:2 ");
}

static void
leave_for_good (const SyrinxEvent *event, gpointer data)
{
  Actor *actor = data;

  syrinx_journal_remove_reader (actor->journal, actor->id);
}

static void
who_has_left_while_reading_reads_no_more (void)
{
  g_autoptr (SyrinxJournal) journal = syrinx_journal_new ();
  Actor actor = { .journal = journal };

  actor.id = syrinx_journal_add_reader (
      journal, SYRINX_EVENTS_ALL, leave_for_good, &actor);
  note (journal, SYRINX_EVENT_ERROR, "1");
  g_assert_false (syrinx_journal_is_read (journal, SYRINX_EVENTS_ALL));
}

/* --- Threads --- */

typedef struct
{
  SyrinxJournal *journal;
  guint number, n_events;
  GObject *session; /* (nullable): any object */
} Writer;

static gpointer
write_many (gpointer data)
{
  const Writer *writer = data;

  for (guint i = 0; i < writer->n_events; i++) {
    g_autofree gchar *text = g_strdup_printf ("%u", i);
    syrinx_journal_note (
        writer->journal, &(SyrinxEvent){ .kind = SYRINX_EVENT_ERROR,
                             .epoch = writer->number,
                             .session = (SyrinxSession *)writer->session,
                             .reason = text,
                             .bytes = i });
  }
  return NULL;
}

typedef struct
{
  GThread *thread;
  guint64 next[N_THREADS];
  guint n_read;
} Checker;

/* Runs on the journal's thread: the events of each thread are in order, and
 * their strings are intact. */
static void
check_order (const SyrinxEvent *event, gpointer data)
{
  Checker *checker = data;
  g_autofree gchar *text = g_strdup_printf ("%" G_GUINT64_FORMAT, event->bytes);

  g_assert_true (g_thread_self () == checker->thread);
  g_assert_cmpuint (event->bytes, ==, checker->next[event->epoch]++);
  g_assert_cmpstr (event->reason, ==, text);
  checker->n_read++;
}

static void
threads_are_read_in_order_by_the_main_loop (void)
{
  g_autoptr (SyrinxJournal) journal = syrinx_journal_new ();
  Checker checker = { .thread = g_thread_self () };
  Writer writers[N_THREADS];
  GThread *threads[N_THREADS];

  syrinx_journal_add_reader (journal, SYRINX_EVENTS_ALL, check_order, &checker);
  for (guint i = 0; i < N_THREADS; i++) {
    writers[i] = (Writer){ journal, i, N_EACH, NULL };
    threads[i] = g_thread_new ("writer", write_many, &writers[i]);
  }
  while (checker.n_read < N_THREADS * N_EACH)
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (syrinx_journal_get_n_lost (journal), ==, 0);
}

static gpointer
write_one (gpointer journal)
{
  note (journal, SYRINX_EVENT_ERROR, "thread");
  return NULL;
}

static void
what_a_thread_has_noted_comes_before_what_follows (void)
{
  g_autoptr (SyrinxJournal) journal = syrinx_journal_new ();
  g_autoptr (GString) text = g_string_new (NULL);
  Scribe scribe = { "r", text };

  syrinx_journal_add_reader (journal, SYRINX_EVENTS_ALL, write_down, &scribe);
  g_thread_join (g_thread_new ("writer", write_one, journal));
  g_assert_cmpstr (text->str, ==, "");
  note (journal, SYRINX_EVENT_ERROR, "main");
  g_assert_cmpstr (text->str, ==, "r:thread r:main ");
}

static void
what_does_not_fit_is_counted_and_told (void)
{
  g_autoptr (SyrinxJournal) journal = syrinx_journal_new ();
  Checker checker = { .thread = g_thread_self () };
  Writer writer = { journal, 0, SYRINX_JOURNAL_MAX_CARRIED + 10, NULL };

  syrinx_journal_add_reader (journal, SYRINX_EVENTS_ALL, check_order, &checker);
  g_thread_join (g_thread_new ("writer", write_many, &writer));
  g_assert_cmpuint (syrinx_journal_get_n_lost (journal), ==, 10);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING,
      "*dropped 10 events of other threads*");
  g_main_context_iteration (NULL, TRUE);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (checker.n_read, ==, SYRINX_JOURNAL_MAX_CARRIED);
  while (g_main_context_iteration (NULL, FALSE)) /* and it is logged once */
    ;
  g_assert_cmpuint (checker.n_read, ==, SYRINX_JOURNAL_MAX_CARRIED);
}

static void
nothing_is_kept_for_nobody (void)
{
  g_autoptr (SyrinxJournal) journal = syrinx_journal_new ();
  Checker checker = { .thread = g_thread_self () };
  Writer writer = { journal, 0, SYRINX_JOURNAL_MAX_CARRIED + 10, NULL };

  syrinx_journal_add_reader (
      journal, SYRINX_EVENT_BIT (SYRINX_EVENT_REFUSED), check_order, &checker);
  g_thread_join (g_thread_new ("writer", write_many, &writer));
  g_assert_cmpuint (syrinx_journal_get_n_lost (journal), ==, 0);
  g_assert_false (g_main_context_pending (NULL));
}

static void
a_journal_goes_with_what_it_keeps (void)
{
  SyrinxJournal *journal = syrinx_journal_new ();
  Checker checker = { .thread = g_thread_self () };
  Writer writer = { journal, 0, 10, NULL };
  GObject *session = g_object_new (G_TYPE_OBJECT, NULL);

  writer.session = session;
  syrinx_journal_add_reader (journal, SYRINX_EVENTS_ALL, check_order, &checker);
  g_thread_join (g_thread_new ("writer", write_many, &writer));
  syrinx_journal_free (journal);
  g_assert_cmpuint (checker.n_read, ==, 0);
  g_assert_false (g_main_context_pending (NULL));
  g_assert_finalize_object (session);
}

/* --- What is counted --- */

static void
write_count (const gchar *reason, guint64 count, gpointer text)
{
  g_string_append_printf (text, "%s:%" G_GUINT64_FORMAT " ", reason, count);
}

static void
refusals_are_counted_by_reason (void)
{
  g_autoptr (SyrinxJournal) journal = syrinx_journal_new ();
  g_autoptr (SyrinxTally) tally = syrinx_tally_new (journal);
  g_autoptr (GString) text = g_string_new (NULL);

  note (journal, SYRINX_EVENT_REFUSED, "no-room");
  note (journal, SYRINX_EVENT_REFUSED, "no-right");
  note (journal, SYRINX_EVENT_REFUSED, "no-room");
  note (journal, SYRINX_EVENT_REFUSED, NULL);
  note (journal, SYRINX_EVENT_ERROR, "a sentence");
  syrinx_tally_foreach_refusal (tally, write_count, text);
  g_assert_cmpstr (text->str, ==, "no-room:2 no-right:1 other:1 ");
  g_assert_cmpuint (syrinx_tally_get (tally, SYRINX_EVENT_REFUSED), ==, 4);
  g_assert_cmpuint (syrinx_tally_get (tally, SYRINX_EVENT_ERROR), ==, 1);
}

static void
sum_up (const gchar *reason, guint64 count, gpointer data)
{
  guint64 *sums = data; /* reasons, refusals, refusals counted as "other" */

  sums[0]++;
  sums[1] += count;
  sums[2] += g_str_equal (reason, "other") ? count : 0;
}

static void
reasons_beyond_the_bound_are_one (void)
{
  g_autoptr (SyrinxJournal) journal = syrinx_journal_new ();
  g_autoptr (SyrinxTally) tally = syrinx_tally_new (journal);
  guint64 sums[3] = { 0 };

  note (journal, SYRINX_EVENT_REFUSED, "other");
  for (guint i = 1; i < SYRINX_TALLY_MAX_REASONS + 100; i++) {
    g_autofree gchar *reason = g_strdup_printf ("reason-%u", i);
    note (journal, SYRINX_EVENT_REFUSED, reason);
  }
  syrinx_tally_foreach_refusal (tally, sum_up, sums);
  g_assert_cmpuint (sums[0], ==, SYRINX_TALLY_MAX_REASONS);
  g_assert_cmpuint (sums[1], ==, SYRINX_TALLY_MAX_REASONS + 100);
  g_assert_cmpuint (sums[2], ==, 101);
}

#define ADD(test) g_test_add_func ("/journal/" #test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (readers_get_the_kinds_that_they_ask_for);
  ADD (every_kind_has_a_name_of_its_own);
  ADD (an_event_has_its_time);
  ADD (what_a_reader_notes_comes_after_what_it_reads);
  ADD (a_reader_may_leave_and_join_while_it_reads);
  ADD (who_has_left_while_reading_reads_no_more);
  ADD (threads_are_read_in_order_by_the_main_loop);
  ADD (what_a_thread_has_noted_comes_before_what_follows);
  ADD (what_does_not_fit_is_counted_and_told);
  ADD (nothing_is_kept_for_nobody);
  ADD (a_journal_goes_with_what_it_keeps);
  ADD (refusals_are_counted_by_reason);
  ADD (reasons_beyond_the_bound_are_one);
  return g_test_run ();
}
