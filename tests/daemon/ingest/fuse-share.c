/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A read-only file system by the kernel's FUSE protocol. Nodes are paths, and
 * are never forgotten: a test has few. */
#include "fuse-share.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUSE_FD      3 /* of the process that answers */
#define MODE_FD      4
#define BUFFER_BYTES (256 * 1024)
#define POLL_MS      20

/* State of the process that answers. */
typedef struct
{
  gint fd;
  const gchar *folder;
  gint *mode;       /* shared, atomic */
  GPtrArray *nodes; /* paths relative to folder; a node's id is its index + 1 */
  GPtrArray *held;  /* GBytes: requests held until the share works again */
} Server;

struct _FuseShare
{
  gchar *mount_point;
  gint *mode; /* shared, atomic */
  GPid pid;
};

/* --- Answers --- */

static void
reply (Server *share, const struct fuse_in_header *in, gint error,
    gconstpointer data, gsize n_bytes)
{
  struct fuse_out_header out = { .len = (guint32)(sizeof out + n_bytes),
    .error = -error,
    .unique = in->unique };
  g_autofree guint8 *all = g_malloc (sizeof out + n_bytes);

  memcpy (all, &out, sizeof out);
  if (n_bytes > 0)
    memcpy (all + sizeof out, data, n_bytes);
  /* ENOENT: the process that asked was killed */
  if (write (share->fd, all, sizeof out + n_bytes) < 0 && errno != ENOENT
      && errno != ENODEV)
    g_warning ("FUSE: %s", g_strerror (errno));
}

static const gchar *
get_node (Server *share, guint64 id)
{
  g_assert_cmpuint (id, >=, 1);
  g_assert_cmpuint (id, <=, share->nodes->len);
  return share->nodes->pdata[id - 1];
}

static guint64
number_node (Server *share, const gchar *path)
{
  guint index;

  if (!g_ptr_array_find_with_equal_func (
          share->nodes, path, g_str_equal, &index)) {
    index = share->nodes->len;
    g_ptr_array_add (share->nodes, g_strdup (path));
  }
  return index + 1;
}

static gboolean
fill_attr (Server *share, guint64 node, struct fuse_attr *attr)
{
  g_autofree gchar *path
      = g_build_filename (share->folder, get_node (share, node), NULL);
  struct stat st;

  if (lstat (path, &st) != 0)
    return FALSE;
  memset (attr, 0, sizeof *attr);
  attr->ino = node;
  attr->size = st.st_size;
  attr->blocks = st.st_blocks;
  attr->atime = attr->mtime = st.st_mtim.tv_sec;
  attr->mtimensec = st.st_mtim.tv_nsec;
  attr->ctime = st.st_ctim.tv_sec;
  attr->ctimensec = st.st_ctim.tv_nsec;
  attr->mode = S_ISDIR (st.st_mode) ? S_IFDIR | 0755 : S_IFREG | 0644;
  attr->nlink = 1;
  attr->blksize = 4096;
  return TRUE;
}

static void
answer_init (Server *share, const struct fuse_in_header *in)
{
  struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION,
    .minor = 31,
    .max_readahead = 65536,
    .max_background = 16,
    .congestion_threshold = 12,
    .max_write = 65536,
    .time_gran = 1 };

  reply (share, in, 0, &out, sizeof out);
}

static void
answer_lookup (
    Server *share, const struct fuse_in_header *in, const gchar *name)
{
  struct fuse_entry_out out = { 0 };
  g_autofree gchar *path
      = g_build_filename (get_node (share, in->nodeid), name, NULL);
  guint64 node = number_node (share, *path == '/' ? path + 1 : path);

  if (!fill_attr (share, node, &out.attr)) {
    reply (share, in, ENOENT, NULL, 0);
    return;
  }
  out.nodeid = node;
  reply (share, in, 0, &out, sizeof out);
}

static void
answer_getattr (Server *share, const struct fuse_in_header *in)
{
  struct fuse_attr_out out = { 0 };

  if (fill_attr (share, in->nodeid, &out.attr))
    reply (share, in, 0, &out, sizeof out);
  else
    reply (share, in, ENOENT, NULL, 0);
}

static void
append_entry (GByteArray *entries, const gchar *name, guint type)
{
  struct fuse_dirent entry = { .ino = 1,
    .off = entries->len + 1,
    .namelen = (guint32)strlen (name),
    .type = type };
  static const guint8 padding[8];
  gsize n_bytes = FUSE_NAME_OFFSET + entry.namelen;

  g_byte_array_append (entries, (const guint8 *)&entry, FUSE_NAME_OFFSET);
  g_byte_array_append (entries, (const guint8 *)name, entry.namelen);
  g_byte_array_append (entries, padding, FUSE_DIRENT_ALIGN (n_bytes) - n_bytes);
}

/* All entries at once: a test has few files. */
static void
answer_readdir (Server *share, const struct fuse_in_header *in,
    const struct fuse_read_in *read)
{
  g_autoptr (GByteArray) entries = g_byte_array_new ();
  g_autofree gchar *path
      = g_build_filename (share->folder, get_node (share, in->nodeid), NULL);
  DIR *dir
      = read->offset == 0 && g_atomic_int_get (share->mode) != FUSE_SHARE_EMPTY
            ? opendir (path)
            : NULL;
  struct dirent *entry;

  while (dir && (entry = readdir (dir)))
    if (entry->d_name[0] != '.')
      append_entry (entries, entry->d_name, entry->d_type);
  if (dir)
    closedir (dir);
  g_assert_cmpuint (entries->len, <=, read->size);
  reply (share, in, 0, entries->data, entries->len);
}

static void
answer_read (Server *share, const struct fuse_in_header *in,
    const struct fuse_read_in *read)
{
  g_autofree gchar *path
      = g_build_filename (share->folder, get_node (share, in->nodeid), NULL);
  g_autofree guint8 *data = g_malloc (read->size);
  gint fd = open (path, O_RDONLY | O_CLOEXEC);
  gssize n = fd >= 0 ? pread (fd, data, read->size, read->offset) : -1;

  if (fd >= 0)
    close (fd);
  if (n < 0)
    reply (share, in, EIO, NULL, 0);
  else
    reply (share, in, 0, data, n);
}

/* --- Requests --- */

static void
answer (Server *share, const struct fuse_in_header *in)
{
  gconstpointer data = in + 1;
  struct fuse_open_out open_out = { .fh = in->nodeid };

  switch (in->opcode) {
  case FUSE_LOOKUP:
    answer_lookup (share, in, data);
    break;
  case FUSE_GETATTR:
    answer_getattr (share, in);
    break;
  case FUSE_OPEN:
  case FUSE_OPENDIR:
    reply (share, in, 0, &open_out, sizeof open_out);
    break;
  case FUSE_READ:
    answer_read (share, in, data);
    break;
  case FUSE_READDIR:
    answer_readdir (share, in, data);
    break;
  case FUSE_RELEASE:
  case FUSE_RELEASEDIR:
  case FUSE_FLUSH:
    reply (share, in, 0, NULL, 0);
    break;
  default:
    reply (share, in, ENOSYS, NULL, 0);
  }
}

static void
take_request (Server *share, const struct fuse_in_header *in)
{
  FuseShareMode mode = g_atomic_int_get (share->mode);

  if (in->opcode == FUSE_FORGET || in->opcode == FUSE_BATCH_FORGET
      || in->opcode == FUSE_INTERRUPT)
    return;
  if (in->opcode == FUSE_INIT)
    answer_init (share, in);
  else if (mode == FUSE_SHARE_HANGS)
    g_ptr_array_add (share->held, g_bytes_new (in, in->len));
  else if (mode == FUSE_SHARE_FAILS)
    reply (share, in, EIO, NULL, 0);
  else
    answer (share, in);
}

static void
answer_held (Server *share)
{
  if (g_atomic_int_get (share->mode) == FUSE_SHARE_HANGS)
    return;
  for (guint i = 0; i < share->held->len; i++)
    take_request (share, g_bytes_get_data (share->held->pdata[i], NULL));
  g_ptr_array_set_size (share->held, 0);
}

int
fuse_share_serve (int argc, char **argv)
{
  g_autofree guint8 *buffer = g_malloc (BUFFER_BYTES);
  Server server = { .fd = FUSE_FD, .folder = argv[2] };

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  server.mode = mmap (
      NULL, sizeof (gint), PROT_READ | PROT_WRITE, MAP_SHARED, MODE_FD, 0);
  g_assert_true (server.mode != MAP_FAILED);
  server.nodes = g_ptr_array_new_with_free_func (g_free);
  server.held = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  g_ptr_array_add (server.nodes, g_strdup (""));
  for (;;) {
    struct pollfd pfd = { server.fd, POLLIN, 0 };
    gssize n;

    answer_held (&server);
    if (poll (&pfd, 1, POLL_MS) <= 0)
      continue;
    n = read (server.fd, buffer, BUFFER_BYTES);
    if (n < 0 && errno == ENODEV)
      return 0; /* unmounted */
    if (n >= (gssize)sizeof (struct fuse_in_header))
      take_request (&server, (const struct fuse_in_header *)(gpointer)buffer);
  }
}

/* --- Life --- */

static gboolean
mount_it (gint fd, const gchar *mount_point)
{
  g_autofree gchar *options = g_strdup_printf (
      "fd=%d,rootmode=40000,user_id=%u,group_id=%u,allow_other", fd, getuid (),
      getgid ());

  return mount ("syrinx-test", mount_point, "fuse",
             MS_NODEV | MS_NOSUID | MS_RDONLY, options)
         == 0;
}

/* Starts this program again, as the server. */
static void
spawn_server (FuseShare *share, gint fd, gint mode_fd, const gchar *folder)
{
  const gchar *argv[] = { "/proc/self/exe", "--serve", folder, NULL };
  const gint sources[] = { fd, mode_fd }, targets[] = { FUSE_FD, MODE_FD };
  g_autoptr (GError) error = NULL;

  g_spawn_async_with_pipes_and_fds (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
      NULL, NULL, -1, -1, -1, sources, targets, G_N_ELEMENTS (sources),
      &share->pid, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

FuseShare *
fuse_share_new (const gchar *folder, const gchar *mount_point, gchar **why)
{
  gint fd = open ("/dev/fuse", O_RDWR | O_CLOEXEC), mode_fd;
  FuseShare *share;

  if (fd < 0 || !mount_it (fd, mount_point)) {
    *why = g_strdup_printf ("FUSE can't be mounted: %s", g_strerror (errno));
    if (fd >= 0)
      close (fd);
    return NULL;
  }
  share = g_new0 (FuseShare, 1);
  share->mount_point = g_strdup (mount_point);
  mode_fd = memfd_create ("fuse-share", MFD_CLOEXEC);
  g_assert_cmpint (ftruncate (mode_fd, sizeof (gint)), ==, 0);
  share->mode = mmap (
      NULL, sizeof (gint), PROT_READ | PROT_WRITE, MAP_SHARED, mode_fd, 0);
  spawn_server (share, fd, mode_fd, folder);
  close (fd);
  close (mode_fd);
  return share;
}

void
fuse_share_set_mode (FuseShare *share, FuseShareMode mode)
{
  g_atomic_int_set (share->mode, mode);
}

void
fuse_share_free (FuseShare *share)
{
  umount2 (share->mount_point, MNT_DETACH);
  kill (share->pid, SIGKILL); /* ends requests that still wait */
  waitpid (share->pid, NULL, 0);
  g_spawn_close_pid (share->pid);
  munmap (share->mode, sizeof (gint));
  g_free (share->mount_point);
  g_free (share);
}
