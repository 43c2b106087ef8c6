/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TLS records in and out.
 *
 * OpenSSL writes to a BIO of ours, which gathers records in a buffer that the
 * thread lends for the length of one call. Records that the kernel does not
 * take are kept with the connection; their payload counts as sent only when all
 * of them have been sent, so the caller keeps bytes that may still be lost. */
#include "tls-link.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH_BYTES      (64 * 1024) /* of payload in one system call */
#define SLOW_BATCH_BYTES 16384       /* for a peer that reads slowly */
#define RECORD_OVERHEAD  64          /* more than any cipher adds */
#define LENT_BYTES                                                             \
  (BATCH_BYTES + (BATCH_BYTES / SYRINX_TLS_SMALL_RECORD + 2) * RECORD_OVERHEAD)
#define MAX_TURN_BYTES (1024 * 1024) /* then other connections are served */
/* Alerts and answers to key updates may wait beside a batch. */
#define MAX_UNSENT_BYTES (LENT_BYTES + 4096)

struct _SyrinxTlsLink
{
  /* constant after init */
  int fd;
  gboolean is_kernel; /* KTLS: OpenSSL writes to the socket itself */

  GMutex lock;
  /* protected by lock */
  SSL *ssl;
  guint8 *lent; /* (nullable): gathers this call's records */
  gsize lent_bytes;
  GByteArray *unsent; /* (nullable): records the kernel did not take */
  gsize unsent_offset;
  gsize waiting_bytes; /* payload bytes in unsent */
  gsize retry_bytes;   /* KTLS: OpenSSL must be given so many again */
  gboolean is_slow;    /* the last batch was not sent at once */
  int error;           /* a negative errno after a failure */
  gint64 sent_us;
  gsize run_bytes; /* sent since the connection was idle */
};

/* --- The BIO beneath OpenSSL --- */

static gboolean
keep_unsent (SyrinxTlsLink *self, const guint8 *data, gsize size)
{
  if (!self->unsent)
    self->unsent = g_byte_array_new ();
  if (self->unsent->len + size > MAX_UNSENT_BYTES)
    return FALSE;
  g_byte_array_append (self->unsent, data, size);
  return TRUE;
}

/* Outside sendv() only alerts and answers to key updates are written. */
static int
gather (BIO *bio, const char *data, size_t size, size_t *written)
{
  SyrinxTlsLink *self = BIO_get_data (bio);

  BIO_clear_retry_flags (bio);
  *written = size;
  if (!self->lent)
    return keep_unsent (self, (const guint8 *)data, size);
  if (self->lent_bytes + size > LENT_BYTES)
    return 0;
  memcpy (self->lent + self->lent_bytes, data, size);
  self->lent_bytes += size;
  return 1;
}

static long
control (BIO *bio, int command, long argument, void *pointer)
{
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int
set_up_bio (BIO *bio)
{
  BIO_set_init (bio, 1);
  return 1;
}

static BIO *
make_bio (SyrinxTlsLink *self)
{
  static BIO_METHOD *method;
  BIO *bio;

  if (g_once_init_enter (&method)) {
    BIO_METHOD *made = BIO_meth_new (
        BIO_get_new_index () | BIO_TYPE_SOURCE_SINK, "syrinx-records");
    BIO_meth_set_write_ex (made, gather);
    BIO_meth_set_ctrl (made, control);
    BIO_meth_set_create (made, set_up_bio);
    g_once_init_leave (&method, made);
  }
  bio = BIO_new (method);
  BIO_set_data (bio, self);
  return bio;
}

/* --- To the kernel --- */

/* Returns how many bytes went, or a negative errno. */
static gssize
push (SyrinxTlsLink *self, const guint8 *data, gsize size)
{
  gssize n;

  do
    n = send (self->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  if (n >= 0)
    return n;
  return errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

static gssize
break_with (SyrinxTlsLink *self, gssize error)
{
  if (error != -EAGAIN)
    self->error = (int)error;
  return error;
}

/* Returns 0 when nothing is left to send. */
static gssize
flush (SyrinxTlsLink *self)
{
  while (self->unsent) {
    gssize n = push (self, self->unsent->data + self->unsent_offset,
        self->unsent->len - self->unsent_offset);
    if (n < 0)
      return break_with (self, n);
    self->unsent_offset += n;
    if (self->unsent_offset < self->unsent->len)
      continue;
    g_clear_pointer (&self->unsent, g_byte_array_unref);
    self->unsent_offset = 0;
  }
  return 0;
}

/* --- Out --- */

typedef struct
{
  const struct iovec *parts;
  guint n_parts;
  gsize offset; /* into the first part */
} Cursor;

static void
skip (Cursor *cursor, gsize size)
{
  cursor->offset += size;
  while (cursor->n_parts > 0 && cursor->offset >= cursor->parts->iov_len) {
    cursor->offset -= cursor->parts->iov_len;
    cursor->parts++;
    cursor->n_parts--;
  }
}

/* The next @size bytes or fewer: in place, or joined in @scratch, which has
 * room for @size. */
static const guint8 *
peek (const Cursor *cursor, guint8 *scratch, gsize *size)
{
  const guint8 *first
      = (const guint8 *)cursor->parts->iov_base + cursor->offset;
  gsize n = cursor->parts->iov_len - cursor->offset;

  if (n >= *size || cursor->n_parts == 1) {
    *size = MIN (n, *size);
    return first;
  }
  memcpy (scratch, first, n);
  for (guint i = 1; i < cursor->n_parts && n < *size; i++) {
    gsize more = MIN (cursor->parts[i].iov_len, *size - n);
    memcpy (scratch + n, cursor->parts[i].iov_base, more);
    n += more;
  }
  *size = n;
  return scratch;
}

static gsize
get_record_bytes (const SyrinxTlsLink *self)
{
  return self->run_bytes < SYRINX_TLS_SMALL_BYTES ? SYRINX_TLS_SMALL_RECORD
                                                  : SYRINX_TLS_LARGE_RECORD;
}

static void
note_idle (SyrinxTlsLink *self)
{
  gint64 now_us = g_get_monotonic_time ();

  if (now_us - self->sent_us > SYRINX_TLS_IDLE_MS * (gint64)1000)
    self->run_bytes = 0;
  self->sent_us = now_us;
}

/* The meaning of an OpenSSL call that transferred nothing: a negative errno, or
 * 0 at the end of input. */
static gssize
explain (SyrinxTlsLink *self)
{
  int code = errno, why = SSL_get_error (self->ssl, 0);

  ERR_clear_error ();
  if (why == SSL_ERROR_ZERO_RETURN)
    return 0;
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
    return -EAGAIN;
  return break_with (self,
      why == SSL_ERROR_SYSCALL && code && code != EAGAIN ? -code : -EPIPE);
}

/* Writes the next @size bytes as one record. Returns its payload, or a negative
 * errno. */
static gssize
write_record (SyrinxTlsLink *self, const Cursor *cursor, gsize size)
{
  guint8 scratch[SYRINX_TLS_LARGE_RECORD];
  gsize written = 0;
  const guint8 *data = peek (cursor, scratch, &size);

  if (size == 0)
    return 0;
  ERR_clear_error ();
  errno = 0;
  if (SSL_write_ex (self->ssl, data, size, &written) == 1) {
    self->run_bytes += written;
    return written;
  }
  return explain (self);
}

/* Encrypts a batch and sends it. Returns the payload bytes that were sent;
 * -EAGAIN if some of them are kept to be sent. */
static gssize
send_batch (SyrinxTlsLink *self, Cursor *cursor)
{
  gsize max = self->is_slow ? SLOW_BATCH_BYTES : BATCH_BYTES, payload = 0;
  gssize n = 0;

  self->lent_bytes = 0;
  while (cursor->n_parts > 0 && payload < max) {
    n = write_record (
        self, cursor, MIN (get_record_bytes (self), max - payload));
    if (n <= 0)
      return break_with (self, -EPIPE); /* the BIO takes everything that fits */
    skip (cursor, n);
    payload += n;
  }
  n = push (self, self->lent, self->lent_bytes);
  if (n < 0 && n != -EAGAIN)
    return break_with (self, n);
  n = MAX (n, 0);
  self->is_slow = (gsize)n < self->lent_bytes;
  if (!self->is_slow)
    return payload;
  keep_unsent (self, self->lent + n, self->lent_bytes - n);
  self->waiting_bytes = payload;
  return -EAGAIN;
}

/* With KTLS: one record by one system call, without a copy in user space. */
static gssize
send_record (SyrinxTlsLink *self, Cursor *cursor)
{
  gsize size = self->retry_bytes ? self->retry_bytes : get_record_bytes (self);
  gssize n = write_record (self, cursor, size);

  self->retry_bytes = n == -EAGAIN ? size : 0;
  if (n == 0)
    return break_with (self, -EPIPE);
  if (n > 0)
    skip (cursor, n);
  return n;
}

/* One buffer for each sending thread, not for each connection. */
static guint8 *
lend (void)
{
  static GPrivate lent = G_PRIVATE_INIT (g_free);
  guint8 *buffer = g_private_get (&lent);

  if (!buffer) {
    buffer = g_malloc (LENT_BYTES);
    g_private_set (&lent, buffer);
  }
  return buffer;
}

static gssize
send_all_locked (SyrinxTlsLink *self, Cursor *cursor)
{
  gssize n = flush (self);
  gsize done = 0;

  if (n < 0)
    return n;
  done = self->waiting_bytes;
  self->waiting_bytes = 0;
  skip (cursor, done);
  note_idle (self);
  while (cursor->n_parts > 0 && done < MAX_TURN_BYTES) {
    n = self->is_kernel ? send_record (self, cursor)
                        : send_batch (self, cursor);
    if (n < 0)
      return done > 0 ? (gssize)done : n;
    done += n;
  }
  return done;
}

gssize
syrinx_tls_link_sendv (
    SyrinxTlsLink *self, const struct iovec *parts, guint n_parts)
{
  Cursor cursor = { parts, n_parts, 0 };
  gssize n;

  skip (&cursor, 0);
  g_mutex_lock (&self->lock);
  self->lent = self->is_kernel ? NULL : lend ();
  n = self->error ? self->error : send_all_locked (self, &cursor);
  self->lent = NULL;
  g_mutex_unlock (&self->lock);
  return n;
}

/* --- In --- */

gssize
syrinx_tls_link_recv (SyrinxTlsLink *self, gpointer data, gsize size)
{
  gsize n = 0;
  gssize result;

  g_mutex_lock (&self->lock);
  ERR_clear_error ();
  errno = 0;
  if (self->error)
    result = self->error;
  else if (SSL_read_ex (self->ssl, data, size, &n) == 1)
    result = n;
  else
    result = explain (self);
  if (!self->waiting_bytes)
    flush (self); /* an alert, or the answer to a key update */
  g_mutex_unlock (&self->lock);
  return result;
}

gboolean
syrinx_tls_link_has_pending (SyrinxTlsLink *self)
{
  gboolean is_pending;

  g_mutex_lock (&self->lock);
  is_pending = !self->error && SSL_has_pending (self->ssl);
  g_mutex_unlock (&self->lock);
  return is_pending;
}

/* --- Life --- */

void
syrinx_tls_link_finish (SyrinxTlsLink *self)
{
  g_mutex_lock (&self->lock);
  if (!self->error) {
    ERR_clear_error ();
    SSL_shutdown (self->ssl);
    ERR_clear_error ();
    flush (self);
  }
  g_mutex_unlock (&self->lock);
}

SyrinxTlsLink *
syrinx_tls_link_new (SSL *ssl, int fd)
{
  SyrinxTlsLink *self = g_new0 (SyrinxTlsLink, 1);

  g_mutex_init (&self->lock);
  self->ssl = ssl;
  self->fd = fd;
#ifndef OPENSSL_NO_KTLS
  self->is_kernel = BIO_get_ktls_send (SSL_get_wbio (ssl));
#endif
  if (!self->is_kernel)
    SSL_set0_wbio (ssl, make_bio (self));
  return self;
}

void
syrinx_tls_link_free (SyrinxTlsLink *self)
{
  SSL_free (self->ssl);
  g_clear_pointer (&self->unsent, g_byte_array_unref);
  g_mutex_clear (&self->lock);
  g_free (self);
}
