; SPDX-License-Identifier: LGPL-2.1-or-later
; A gate's word, for all offsets, widths and windows: below the count of words in a window means
; aligned and inside. A window has at most 2^64 bytes, so at most 2^(64 - shift) - 1 words.
; C guardian/gate-internal.h: return shift ? offset >> shift | offset << (64 - shift) : offset;
(set-logic QF_BV)
(declare-const offset (_ BitVec 64))
(declare-const shift (_ BitVec 64))
(declare-const words (_ BitVec 64))
(define-fun ones () (_ BitVec 64) (bvnot (_ bv0 64)))
(define-fun low () (_ BitVec 64) (bvsub (bvshl (_ bv1 64) shift) (_ bv1 64)))
(define-fun word () (_ BitVec 64)
  (bvor (bvlshr offset shift) (bvshl offset (bvsub (_ bv64 64) shift))))
(define-fun code () Bool (bvult (ite (= shift (_ bv0 64)) offset word) words))
(define-fun MUTANT_SHIFT () Bool (bvult (bvlshr offset shift) words))
(define-fun MUTANT_EDGE () Bool (bvule (ite (= shift (_ bv0 64)) offset word) words))
(define-fun truth () Bool
  (and (= (bvand offset low) (_ bv0 64)) (bvult (bvlshr offset shift) words)))
(assert (bvult shift (_ bv4 64)))
(assert (bvule words (bvlshr ones shift)))
(assert (not (= code truth)))
(check-sat)
