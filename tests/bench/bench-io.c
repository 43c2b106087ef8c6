/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The I/O loop by io_uring compared with epoll: a thousand clients that each
 * get a page every 200 ms, spread over a grid of 2 ms as by the scheduler, or
 * all at once; and 5,000 clients that get many pages at once.
 *
 * Each run is a process of its own; another process reads from it over
 * loopback. CPU is that of the sending process, pacing included; the kernel
 * counts system calls of the whole process. Runs of the backends alternate, and
 * the median counts. */
#include "core/io/io-loop.h"
#include "figures.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS        3
#define PAGE_BYTES    1229
#define PERIOD_US     200000
#define GRID_US       2000
#define WARM_PERIODS  5
#define PERIODS       40
#define BURST_CLIENTS 5000
#define BURST_PAGES   50
#define BURSTS        5

typedef struct
{
  const gchar *name;
  guint clients, grid_us; /* 0: a burst */
} Load;

static const Load loads[] = {
  { "io_paced", 1000, GRID_US },
  { "io_at_once", 1000, PERIOD_US },
  { "io_burst", BURST_CLIENTS, 0 },
};

typedef struct
{
  gdouble cpu_us, calls,
      allocations; /* calls < 0: they can't be counted here */
} Cost;

/* --- Counting allocations --- */

void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *old, size_t size);

static gint allocations; /* atomic */

void *
malloc (size_t size)
{
  __atomic_fetch_add (&allocations, 1, __ATOMIC_RELAXED);
  return __libc_malloc (size);
}

void *
calloc (size_t n, size_t size)
{
  __atomic_fetch_add (&allocations, 1, __ATOMIC_RELAXED);
  return __libc_calloc (n, size);
}

void *
realloc (void *old, size_t size)
{
  __atomic_fetch_add (&allocations, 1, __ATOMIC_RELAXED);
  return __libc_realloc (old, size);
}

/* --- Counting system calls --- */

/* Also counts threads that start later. Returns: -1 if it is not allowed */
static int
open_call_counter (void)
{
  struct perf_event_attr wish
      = { .type = PERF_TYPE_TRACEPOINT, .size = sizeof wish, .inherit = 1 };
  g_autofree gchar *text = NULL;

  if (!g_file_get_contents (
          "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id", &text, NULL,
          NULL))
    return -1;
  wish.config = g_ascii_strtoull (text, NULL, 10);
  return syscall (SYS_perf_event_open, &wish, 0, -1, -1, 0);
}

static void
look (Cost *cost, int counter)
{
  struct timespec cpu;
  guint64 calls;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &cpu);
  cost->cpu_us = cpu.tv_sec * 1e6 + cpu.tv_nsec / 1e3;
  cost->calls
      = read (counter, &calls, sizeof calls) == sizeof calls ? calls : -1;
  cost->allocations = __atomic_load_n (&allocations, __ATOMIC_RELAXED);
}

/* --- The reader --- */

static void
accept_some (int listening, int epoll_fd)
{
  struct epoll_event event = { .events = EPOLLIN };

  while ((event.data.fd = accept4 (listening, NULL, NULL, SOCK_NONBLOCK)) >= 0)
    epoll_ctl (epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event);
}

/* Reads and discards all data until it is killed. */
static void
read_all (int listening)
{
  static guint8 scrap[256 * 1024];
  int epoll_fd = epoll_create1 (0), n;
  struct epoll_event events[256];

  events[0] = (struct epoll_event){ .events = EPOLLIN, .data.fd = listening };
  epoll_ctl (epoll_fd, EPOLL_CTL_ADD, listening, &events[0]);
  while ((n = epoll_wait (epoll_fd, events, G_N_ELEMENTS (events), -1)) >= 0)
    for (int i = 0; i < n; i++) {
      if (events[i].data.fd == listening)
        accept_some (listening, epoll_fd);
      else if (recv (events[i].data.fd, scrap, sizeof scrap, 0) == 0)
        close (events[i].data.fd);
    }
}

/* Returns: the reader's process; @address: (out) where it listens */
static GPid
start_reader (struct sockaddr_in *address)
{
  socklen_t size = sizeof *address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  GPid pid;

  *address = (struct sockaddr_in){ .sin_family = AF_INET,
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  if (bind (fd, (struct sockaddr *)address, size) < 0 || listen (fd, 4096) < 0
      || getsockname (fd, (struct sockaddr *)address, &size) < 0)
    g_error ("listening: %s", g_strerror (errno));
  if ((pid = fork ()) == 0) {
    read_all (fd);
    _exit (1);
  }
  close (fd);
  return pid;
}

/* --- The writer --- */

static void
on_watermark (SyrinxClient *client, gpointer user_data)
{
}

static void
on_closed (SyrinxClient *client, const GError *error, gpointer user_data)
{
  g_error ("a client was closed: %s", error ? error->message : "finished");
}

static SyrinxClient *
add_client (SyrinxIoLoop *loop, const struct sockaddr_in *address)
{
  static const SyrinxClientFuncs funcs
      = { on_watermark, on_watermark, on_closed };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_autoptr (GSocket) socket = NULL;

  if (fd < 0
      || connect (fd, (const struct sockaddr *)address, sizeof *address) < 0)
    g_error ("connecting: %s", g_strerror (errno));
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof (int));
  socket = g_socket_new_from_fd (fd, NULL);
  return syrinx_io_loop_add (loop,
      G_IO_STREAM (g_socket_connection_factory_create_connection (socket)),
      NULL, &funcs, NULL);
}

static void
sleep_until (gint64 us)
{
  struct timespec at = { us / G_USEC_PER_SEC, us % G_USEC_PER_SEC * 1000 };

  while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
    ;
}

/* Sends each client a page in every period. */
static void
send_periods (
    const Load *load, SyrinxClient **clients, GBytes *page, guint periods)
{
  gint64 at_us = g_get_monotonic_time ();
  guint ticks = PERIOD_US / load->grid_us;

  for (guint tick = 0; tick < periods * ticks; tick++) {
    for (guint i = tick % ticks; i < load->clients; i += ticks)
      syrinx_client_send (clients[i], page);
    sleep_until (at_us += load->grid_us);
  }
}

static void
wait_until_sent (const Load *load, SyrinxClient **clients)
{
  for (guint i = 0; i < load->clients; i++)
    while (syrinx_client_get_queued_bytes (clients[i]) > 0)
      g_usleep (1000);
}

static void
send_bursts (
    const Load *load, SyrinxClient **clients, GBytes *page, guint bursts)
{
  while (bursts-- > 0) {
    for (guint i = 0; i < load->clients; i++)
      for (guint k = 0; k < BURST_PAGES; k++)
        syrinx_client_send (clients[i], page);
    wait_until_sent (load, clients);
  }
}

/* Prints the cost per client and second, or per client and burst. */
static void
run (const Load *load, const gchar *backend)
{
  struct sockaddr_in address;
  GPid reader = start_reader (&address);
  g_autofree SyrinxClient **clients = g_new (SyrinxClient *, load->clients);
  g_autofree guint8 *data = g_malloc0 (PAGE_BYTES);
  g_autoptr (GBytes) page = g_bytes_new (data, PAGE_BYTES);
  int counter = open_call_counter ();
  g_autoptr (SyrinxIoLoop) loop = syrinx_io_loop_get ();
  SyrinxIoStats stats;
  Cost from, to;

  syrinx_io_loop_get_stats (loop, &stats);
  if (!g_str_equal (stats.backend, backend))
    g_error ("the kernel refuses %s", backend);
  for (guint i = 0; i < load->clients; i++)
    clients[i] = add_client (loop, &address);
  if (load->grid_us)
    send_periods (load, clients, page, WARM_PERIODS);
  else
    send_bursts (load, clients, page, 1);
  look (&from, counter);
  if (load->grid_us)
    send_periods (load, clients, page, PERIODS);
  else
    send_bursts (load, clients, page, BURSTS);
  look (&to, counter);
  printf ("%f %f %f\n", to.cpu_us - from.cpu_us,
      to.calls < 0 ? -1 : to.calls - from.calls,
      to.allocations - from.allocations);
  for (guint i = 0; i < load->clients; i++)
    syrinx_client_remove (clients[i]);
  kill (reader, SIGKILL);
  waitpid (reader, NULL, 0);
}

/* --- Runs and figures --- */

static void
spawn (const gchar *self, const Load *load, const gchar *backend, Cost *cost)
{
  const gchar *argv[] = { self, load->name, backend, NULL };
  g_auto (GStrv) environment
      = g_environ_setenv (g_get_environ (), "SYRINX_IO", backend, TRUE);
  g_autofree gchar *output = NULL;
  g_autoptr (GError) error = NULL;
  gint status;

  if (!g_spawn_sync (NULL, (gchar **)argv, environment, G_SPAWN_DEFAULT, NULL,
          NULL, &output, NULL, &status, &error)
      || !g_spawn_check_wait_status (status, &error)
      || sscanf (output, "%lf %lf %lf", &cost->cpu_us, &cost->calls,
             &cost->allocations)
             != 3)
    g_error (
        "%s by %s: %s", load->name, backend, error ? error->message : output);
}

static void
add_figure (const Load *load, const gchar *what, const gchar *unit,
    gdouble by_uring[], gdouble by_epoll[], gdouble share)
{
  g_autofree gchar *name = g_strdup_printf ("%s_%s", load->name, what);

  figures_add (&(Figure){ name, figures_median (by_uring, ROUNDS) / share, unit,
      "epoll", figures_median (by_epoll, ROUNDS) / share });
}

static void
compare (const gchar *self, const Load *load)
{
  gdouble cpu[2][ROUNDS], calls[2][ROUNDS], allocated[2][ROUNDS];
  gdouble seconds = PERIODS * PERIOD_US / 1e6;
  gdouble share = load->clients * (load->grid_us ? seconds : BURSTS);

  for (guint i = 0; i < ROUNDS; i++)
    for (guint k = 0; k < 2; k++) {
      Cost cost;
      spawn (self, load, k ? "epoll" : "io_uring", &cost);
      cpu[k][i] = cost.cpu_us;
      calls[k][i] = cost.calls;
      allocated[k][i] = cost.allocations;
    }
  add_figure (load, "cpu", load->grid_us ? "us/client/s" : "us/client", cpu[0],
      cpu[1], share);
  if (calls[0][0] >= 0)
    add_figure (load, "system_calls", load->grid_us ? "1/s" : "1/burst",
        calls[0], calls[1], load->grid_us ? seconds : BURSTS);
  if (load->grid_us)
    add_figure (
        load, "allocations", "1/s", allocated[0], allocated[1], seconds);
}

int
main (int argc, char **argv)
{
  for (guint i = 0; argc == 3 && i < G_N_ELEMENTS (loads); i++)
    if (g_str_equal (argv[1], loads[i].name)) {
      run (&loads[i], argv[2]);
      return 0;
    }
  figures_begin ("io");
  for (guint i = 0; i < G_N_ELEMENTS (loads); i++)
    compare ("/proc/self/exe", &loads[i]);
  return 0;
}
