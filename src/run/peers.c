#define _DEFAULT_SOURCE /* struct tcp_info */
#include "multidistral/run/peers.h"

#ifdef __linux__
#include <dirent.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Has the kernel ask the other end whether it is there whenever nothing else passes. Where data wait for an answer, it
 * sends those again instead. It shall not give up before we do. */
static void have_it_asked(int socket) {
    static const struct {
        int level, name, value;
    } option[] = {{SOL_SOCKET, SO_KEEPALIVE, 1},
                  {IPPROTO_TCP, TCP_KEEPIDLE, PEERS_SILENCE / 3},
                  {IPPROTO_TCP, TCP_KEEPINTVL, PEERS_SILENCE / 5},
                  {IPPROTO_TCP, TCP_KEEPCNT, 100}};
    for (size_t i = 0; i < sizeof option / sizeof *option; i++)
        setsockopt(socket, option[i].level, option[i].name, &option[i].value, sizeof option[i].value);
}

/* A receiver that is alive but takes nothing in answers the kernel's questions, so it is not silent. */
static bool is_silent(const struct tcp_info *info) {
    const uint32_t longest = 1000 * PEERS_SILENCE;
    return (info->tcpi_probes > 0 || info->tcpi_retransmits > 0) && info->tcpi_last_ack_recv > longest &&
           info->tcpi_last_data_recv > longest;
}

/* Is our parent Open MPI's mpirun? Under its other names too; its daemons, and the programs of others, have different ones. */
static bool parent_is_mpirun(pid_t parent) {
    static const char *const names[] = {"mpirun\n", "mpiexec\n", "orterun\n", "prterun\n"};
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/%ld/comm", (long)parent);
    FILE *comm = fopen(path, "r");
    if (!comm || !fgets(name, sizeof name, comm)) name[0] = '\0';
    if (comm) fclose(comm);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

/* mpirun waits a quarter of an hour for the answer of a daemon that is lost. What ends it is what a user would do: to ask twice. */
static void end_mpirun(void) {
    pid_t parent = getppid();
    for (int i = 0; i < 2 && getppid() == parent && parent_is_mpirun(parent); i++) {
        kill(parent, SIGTERM);
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
}

static void end_job(int socket) {
    struct sockaddr_storage other;
    socklen_t size = sizeof other;
    char host[256] = "another host";
    if (getpeername(socket, (struct sockaddr *)&other, &size) == 0)
        getnameinfo((struct sockaddr *)&other, size, host, sizeof host, NULL, 0, NI_NUMERICHOST);
    fprintf(stderr, "multidistral: %s has not answered for %d seconds: ending the job; the run file is as it was last saved\n",
            host, PEERS_SILENCE);
    fflush(stderr);
    end_mpirun();
    _exit(1);
}

static void look_at(int socket) {
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || info.tcpi_state != TCP_ESTABLISHED) return;
    have_it_asked(socket);
    if (is_silent(&info)) end_job(socket);
}

static void *watch(void *nothing) {
    enum { FIRST = STDERR_FILENO + 1 }; /* who reads our output may take his time */
    for (;; nanosleep(&(struct timespec){.tv_sec = 1}, NULL)) {
        DIR *open_files = opendir("/proc/self/fd");
        if (!open_files) return nothing;
        for (struct dirent *file; (file = readdir(open_files));)
            if (atoi(file->d_name) >= FIRST) look_at(atoi(file->d_name));
        closedir(open_files);
    }
}

static void start_watch(void) {
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the main thread */
    if (pthread_create(&thread, NULL, watch, NULL) == 0) pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

#else

static void start_watch(void) {}

#endif

/* MPI connects two ranks when they first speak. Where they are many, rank 0 has not descriptors for all. */
static void speak_to_rank_0(int rank, int size) {
    enum { MOST = 256 };
    int apart = 1 + size / MOST;
    if (rank > 0 && rank % apart == 0) MPI_Send(NULL, 0, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
    for (int r = apart; rank == 0 && r < size; r += apart)
        MPI_Recv(NULL, 0, MPI_BYTE, r, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* Of the whole job; 0: not counted yet. */
static int here;

MPI_Comm peers_node(MPI_Comm comm) {
    MPI_Comm node;
    MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    return node;
}

int peers_here(MPI_Comm comm) {
    int n = here;
    if (n > 0) return n;
    MPI_Comm node = peers_node(comm);
    MPI_Comm_size(node, &n);
    MPI_Comm_free(&node);
    return n;
}

void peers_watch(void) {
    int rank, size;
    here = peers_here(MPI_COMM_WORLD);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (size == 1) return;
    start_watch();
    speak_to_rank_0(rank, size);
}
