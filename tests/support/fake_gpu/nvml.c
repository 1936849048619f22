/* A fake libnvidia-ml.so.1: the part of NVIDIA's management library that nvidia-ml-py asks for, answered from a text file.
 *
 * The file ($FAKE_NVML_STATE, else /run/fake-nvml/state) holds key=value lines and is read again at every call, so a GPU can
 * be lost or filled while a program runs: count, driver, devdir, init=<error>, and for each GPU N gpuN.name, uuid, mem_total,
 * mem_used, mem_reserved (bytes), util, mem_util (percent), power, power_limit (milliwatts), temp, energy (millijoules), mig,
 * ecc (memory errors that were not corrected), cc (major.minor), error=<error> (answers every call, 15 is "GPU is lost"), delay_ms (a driver that hangs).
 * With devdir set only GPUs with a node devdir/nvidiaN count, and an index is the place among those, as in a container.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define API __attribute__((visibility("default")))
#define MAX_GPUS 16
enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, VERSION_MISMATCH = 25 };

typedef unsigned long long u64;
typedef struct { int gpu; } Device;
static Device devices[MAX_GPUS];

/* Copies the value of `key` to `value`; 0 when the state does not have it. */
static int lookup(const char *key, char *value, size_t size) {
    const char *path = getenv("FAKE_NVML_STATE");
    FILE *file = fopen(path ? path : "/run/fake-nvml/state", "re");
    char line[512];
    size_t length = strlen(key);
    int found = 0;
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, length) || line[length] != '=') continue;
        line[strcspn(line, "\r\n")] = 0;
        snprintf(value, size, "%s", line + length + 1);
        found = 1;
    }
    if (file) fclose(file);
    return found;
}

static u64 number(const char *key, u64 otherwise) {
    char value[64];
    return lookup(key, value, sizeof value) ? strtoull(value, NULL, 0) : otherwise;
}

static u64 gpu_number(Device *device, const char *name, u64 otherwise) {
    char key[64];
    snprintf(key, sizeof key, "gpu%d.%s", device->gpu, name);
    return number(key, otherwise);
}

static int gpu_text(Device *device, const char *name, const char *otherwise, char *value, unsigned size) {
    char key[64];
    snprintf(key, sizeof key, "gpu%d.%s", device->gpu, name);
    if (!lookup(key, value, size)) snprintf(value, size, "%s", otherwise);
    return SUCCESS;
}

/* What every device call does first: the configured delay, then the configured error. */
static int enter(Device *device) {
    if (device < devices || device >= devices + MAX_GPUS) return INVALID_ARGUMENT;
    u64 delay_ms = gpu_number(device, "delay_ms", 0);
    struct timespec delay = {(time_t)(delay_ms / 1000), (long)(delay_ms % 1000) * 1000000};
    if (delay_ms) nanosleep(&delay, NULL);
    return (int)gpu_number(device, "error", SUCCESS);
}
#define ENTER(device) do { int error_ = enter(device); if (error_) return error_; } while (0)

static int is_visible(int gpu) {
    char directory[256], node[300];
    if (!lookup("devdir", directory, sizeof directory)) return 1;
    snprintf(node, sizeof node, "%s/nvidia%d", directory, gpu);
    return access(node, F_OK) == 0;
}

/* The number of visible GPUs; fills `visible` with their numbers. */
static unsigned list_visible(int visible[MAX_GPUS]) {
    unsigned found = 0;
    int count = (int)number("count", 0);
    for (int gpu = 0; gpu < count && gpu < MAX_GPUS; gpu++) {
        devices[gpu].gpu = gpu;
        if (is_visible(gpu)) visible[found++] = gpu;
    }
    return found;
}

API int nvmlInitWithFlags(unsigned flags) { (void)flags; return (int)number("init", SUCCESS); }
API int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
API int nvmlShutdown(void) { return SUCCESS; }
API const char *nvmlErrorString(int error) { return error == 15 ? "GPU is lost" : error ? "Fake error" : "Success"; }

API int nvmlSystemGetDriverVersion(char *version, unsigned size) {
    if (!lookup("driver", version, size)) snprintf(version, size, "550.163.01");
    return SUCCESS;
}
API int nvmlSystemGetCudaDriverVersion(int *version) { *version = (int)number("cuda", 12040); return SUCCESS; }
API int nvmlSystemGetCudaDriverVersion_v2(int *version) { return nvmlSystemGetCudaDriverVersion(version); }
API int nvmlSystemGetNVMLVersion(char *version, unsigned size) { snprintf(version, size, "12.550.163"); return SUCCESS; }

API int nvmlDeviceGetCount_v2(unsigned *count) {
    int visible[MAX_GPUS];
    *count = list_visible(visible);
    return SUCCESS;
}
API int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device **device) {
    int visible[MAX_GPUS];
    if (index >= list_visible(visible)) return INVALID_ARGUMENT;
    *device = &devices[visible[index]];
    return enter(*device);
}
API int nvmlDeviceGetHandleByUUID(const char *uuid, Device **device) {
    int visible[MAX_GPUS];
    unsigned count = list_visible(visible);
    char own[96];
    for (unsigned index = 0; index < count; index++) {
        *device = &devices[visible[index]];
        gpu_text(*device, "uuid", "", own, sizeof own);
        if (!strcmp(own, uuid)) return enter(*device);
    }
    return NOT_FOUND;
}
API int nvmlDeviceGetIndex(Device *device, unsigned *index) {
    int visible[MAX_GPUS];
    unsigned count = list_visible(visible);
    ENTER(device);
    for (*index = 0; *index < count; (*index)++)
        if (visible[*index] == device->gpu) return SUCCESS;
    return NOT_FOUND;
}
API int nvmlDeviceGetMinorNumber(Device *device, unsigned *minor) {
    ENTER(device);
    *minor = (unsigned)device->gpu;
    return SUCCESS;
}
API int nvmlDeviceGetName(Device *device, char *name, unsigned size) {
    ENTER(device);
    return gpu_text(device, "name", "Fake GPU", name, size);
}
API int nvmlDeviceGetUUID(Device *device, char *uuid, unsigned size) {
    ENTER(device);
    return gpu_text(device, "uuid", "GPU-unknown", uuid, size);
}

/* Version 1 counts what the driver reserves as used, version 2 shows it by itself. */
typedef struct { u64 total, free, used; } Memory;
typedef struct { unsigned version; u64 total, reserved, free, used; } Memory_v2;
static Memory_v2 memory_of(Device *device) {
    Memory_v2 memory = {0};
    memory.total = gpu_number(device, "mem_total", 24ULL << 30);
    memory.reserved = gpu_number(device, "mem_reserved", 500ULL << 20);
    memory.used = gpu_number(device, "mem_used", 0);
    memory.free = memory.total - memory.reserved - memory.used;
    return memory;
}
API int nvmlDeviceGetMemoryInfo(Device *device, Memory *memory) {
    ENTER(device);
    Memory_v2 full = memory_of(device);
    *memory = (Memory){full.total, full.free, full.used + full.reserved};
    return SUCCESS;
}
API int nvmlDeviceGetMemoryInfo_v2(Device *device, Memory_v2 *memory) {
    ENTER(device);
    if (memory->version != (sizeof *memory | 2u << 24)) return VERSION_MISMATCH;
    unsigned version = memory->version;
    *memory = memory_of(device);
    memory->version = version;
    return SUCCESS;
}

typedef struct { unsigned gpu, memory; } Utilization;
API int nvmlDeviceGetUtilizationRates(Device *device, Utilization *rates) {
    ENTER(device);
    *rates = (Utilization){(unsigned)gpu_number(device, "util", 0), (unsigned)gpu_number(device, "mem_util", 0)};
    return SUCCESS;
}
API int nvmlDeviceGetPowerUsage(Device *device, unsigned *milliwatts) {
    ENTER(device);
    *milliwatts = (unsigned)gpu_number(device, "power", 16000);
    return SUCCESS;
}
API int nvmlDeviceGetEnforcedPowerLimit(Device *device, unsigned *milliwatts) {
    ENTER(device);
    *milliwatts = (unsigned)gpu_number(device, "power_limit", 72000);
    return SUCCESS;
}
API int nvmlDeviceGetTotalEnergyConsumption(Device *device, u64 *millijoules) {
    ENTER(device);
    *millijoules = gpu_number(device, "energy", 0);
    return SUCCESS;
}
API int nvmlDeviceGetTemperature(Device *device, int sensor, unsigned *celsius) {
    (void)sensor;
    ENTER(device);
    *celsius = (unsigned)gpu_number(device, "temp", 40);
    return SUCCESS;
}
API int nvmlDeviceGetCudaComputeCapability(Device *device, int *major, int *minor) {
    char value[32];
    ENTER(device);
    gpu_text(device, "cc", "8.9", value, sizeof value);
    return sscanf(value, "%d.%d", major, minor) == 2 ? SUCCESS : INVALID_ARGUMENT;
}
API int nvmlDeviceGetTotalEccErrors(Device *device, int type, int counter, u64 *errors) {
    ENTER(device);
    *errors = gpu_number(device, "ecc", ~0ULL);
    if (type != 1 || counter != 0) return INVALID_ARGUMENT; /* uncorrected, since the driver was loaded */
    return *errors == ~0ULL ? NOT_SUPPORTED : SUCCESS; /* as on a GPU without ECC */
}
API int nvmlDeviceGetMigMode(Device *device, unsigned *current, unsigned *pending) {
    ENTER(device);
    u64 mode = gpu_number(device, "mig", 2);
    *current = *pending = (unsigned)mode;
    return mode < 2 ? SUCCESS : NOT_SUPPORTED; /* as on a GPU without MIG, such as an L4 */
}

typedef struct { char legacy[16]; unsigned domain, bus, device, devId, subsystem; char busId[32]; } Pci;
API int nvmlDeviceGetPciInfo_v3(Device *device, Pci *pci) {
    ENTER(device);
    memset(pci, 0, sizeof *pci);
    pci->bus = (unsigned)device->gpu + 1;
    snprintf(pci->legacy, sizeof pci->legacy, "0000:%02X:00.0", pci->bus & 0xff);
    snprintf(pci->busId, sizeof pci->busId, "00000000:%02X:00.0", pci->bus & 0xff);
    return SUCCESS;
}

/* One process, this one, where the state says procs=1: enough to see a GPU in use. */
typedef struct { unsigned pid; u64 used; unsigned gpu_instance, compute_instance; } Process;
API int nvmlDeviceGetComputeRunningProcesses_v3(Device *device, unsigned *count, Process *processes) {
    ENTER(device);
    unsigned room = *count;
    *count = gpu_number(device, "procs", 0) ? 1 : 0;
    if (*count > room) return INSUFFICIENT_SIZE;
    if (*count) processes[0] = (Process){(unsigned)getpid(), gpu_number(device, "mem_used", 0), ~0u, ~0u};
    return SUCCESS;
}
