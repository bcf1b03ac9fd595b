internal import CArchive
internal import Glibc

/// A bounded queue from one thread that makes elements to one that uses them.
///
/// The maker ends it with or without an error; the user sees that after the last element. Either
/// side can leave early: a user that has gone makes ``put(_:)`` return false.
///
/// `@unchecked Sendable`: every stored property below `mutex` is touched only while it is held.
@safe
final class HandoverQueue<Element: Sendable>: @unchecked Sendable {
    private let capacity: Int
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>

    private var elements: [Element] = []
    private var isEnded = false
    private var failure: (any Error)?
    private var isAbandoned = false

    init(capacity: Int) {
        self.capacity = capacity
        unsafe mutex = .allocate(capacity: 1)
        unsafe changed = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(changed, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(mutex)
        unsafe changed.deallocate()
        unsafe mutex.deallocate()
    }

    /// Waits for room and appends.
    /// - Returns: false when nobody will take it.
    func put(_ element: Element) -> Bool {
        withLock {
            while elements.count >= capacity && !isAbandoned {
                unsafe pthread_cond_wait(changed, mutex)
            }
            if isAbandoned { return false }
            elements.append(element)
            return true
        }
    }

    /// Appends unless the queue is full.
    func putIfRoom(_ element: Element) {
        withLock { if elements.count < capacity && !isAbandoned { elements.append(element) } }
    }

    /// Says that no element follows; the user gets `failure` where it waits for one.
    func end(_ failure: (any Error)? = nil) {
        withLock {
            isEnded = true
            self.failure = failure
        }
    }

    /// The next element, waiting for one.
    /// - Returns: nil after the last.
    /// - Throws: what the maker ended with.
    func take() throws -> Element? {
        try withLock {
            while elements.isEmpty && !isEnded { unsafe pthread_cond_wait(changed, mutex) }
            if !elements.isEmpty { return elements.removeFirst() }
            if let failure { throw failure }
            return nil
        }
    }

    /// Says that nothing more will be taken.
    func abandon() {
        withLock {
            isAbandoned = true
            elements = []
        }
    }

    private func withLock<R>(_ body: () throws -> R) rethrows -> R {
        unsafe pthread_mutex_lock(mutex)
        defer {
            unsafe pthread_cond_broadcast(changed)
            unsafe pthread_mutex_unlock(mutex)
        }
        return try body()
    }
}
