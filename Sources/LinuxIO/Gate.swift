internal import CLinux
internal import Glibc

/// A mutex whose waiters can be called away: a program that was killed ends only when its request is
/// answered, and should not wait for another's long copy.
///
/// @unchecked Sendable: a POSIX mutex may be used from any thread; it is destroyed with the last
/// reference, when nobody can hold it.
@safe
package final class Gate: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    /// How often a waiter looks whether it is still wanted.
    private static let glanceNanoseconds = 20_000_000

    package init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Runs `body` while no other thread is inside. Not recursive.
    package func withLock<Answer, Failure: Error>(
        _ body: () throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// As ``withLock(_:)``; `check` is asked now and then while waiting, and ends that by throwing.
    package func withLock<Answer, Failure: Error>(
        check: () throws(Failure) -> Void, _ body: () throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        while unsafe pthread_mutex_trylock(mutex) != 0 {
            var limit = Self.nextGlance()
            if unsafe pthread_mutex_timedlock(mutex, &limit) == 0 { break }
            try check()
        }
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// By the clock that pthread_mutex_timedlock(3) takes.
    private static func nextGlance() -> timespec {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        time.tv_nsec += glanceNanoseconds
        if time.tv_nsec >= 1_000_000_000 {
            time.tv_sec += 1
            time.tv_nsec -= 1_000_000_000
        }
        return time
    }
}
