internal import CLinux
internal import Glibc

/// A value that threads share, and wait to see changed.
///
/// Every change wakes all who wait, so it is for what changes some times a second, and for few
/// who wait.
///
/// `@unchecked Sendable`: `state` is touched only while `mutex` is held.
@safe
package final class Monitor<State: Sendable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    package init(_ state: State) {
        self.state = state
        unsafe mutex = .allocate(capacity: 1)
        unsafe changed = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(changed, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(mutex)
        unsafe changed.deallocate()
        unsafe mutex.deallocate()
    }

    /// Runs `body` alone, and lets those who wait look again.
    package func withLock<R>(_ body: (inout State) throws -> R) rethrows -> R {
        unsafe pthread_mutex_lock(mutex)
        defer {
            unsafe pthread_cond_broadcast(changed)
            unsafe pthread_mutex_unlock(mutex)
        }
        return try body(&state)
    }

    /// Blocks the thread until `body`, asked again after each change, gives a value.
    package func wait<R>(_ body: (inout State) throws -> R?) rethrows -> R {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = try body(&state) {
                unsafe pthread_cond_broadcast(changed)
                return result
            }
            unsafe pthread_cond_wait(changed, mutex)
        }
    }

    /// Blocks the thread until `body` gives a value, or the time is over.
    /// - Returns: nil when it is over.
    package func wait<R>(
        upTo limit: Duration, _ body: (inout State) throws -> R?
    ) rethrows -> R? {
        var end = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &end)
        let nanoseconds =
            Int64(end.tv_nsec) + max(0, limit.components.attoseconds) / 1_000_000_000
        end.tv_sec += Int(max(0, limit.components.seconds) + nanoseconds / 1_000_000_000)
        end.tv_nsec = Int(nanoseconds % 1_000_000_000)
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = try body(&state) {
                unsafe pthread_cond_broadcast(changed)
                return result
            }
            if unsafe pthread_cond_timedwait(changed, mutex, &end) != 0 {
                return try body(&state)
            }
        }
    }

    /// Lets those who wait look again: what they wait for is not in the state.
    package func notify() { withLock { _ in } }
}
